// A click on a number of the confusion matrix shows only its pictures; a second click shows all again.
const cards = [...document.querySelectorAll('.card')];
const note = document.querySelector('.filter');
let pressed = null;
function show(button) {
  pressed?.setAttribute('aria-pressed', 'false');
  pressed = button === pressed ? null : button;
  pressed?.setAttribute('aria-pressed', 'true');
  let count = 0;
  for (const card of cards) {
    card.hidden = pressed !== null && (card.dataset.label !== pressed.dataset.label || card.dataset.class !== pressed.dataset.class);
    count += card.hidden ? 0 : 1;
  }
  for (const section of document.querySelectorAll('section.pictures'))
    section.hidden = !section.querySelector('.card:not([hidden])');
  note.style.display = pressed ? 'block' : 'none';
  if (pressed)
    note.firstChild.textContent = `${pressed.title}: ${count} on this page. `;
}
for (const button of document.querySelectorAll('td button'))
  button.onclick = () => show(button);
note?.querySelector('button').addEventListener('click', () => show(pressed));
