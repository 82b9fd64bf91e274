# Compiler settings of the whole project. GCC or Clang; Windows builds use MinGW.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")

find_package(Threads REQUIRED)

add_library(nativedl_flags INTERFACE)
target_compile_options(nativedl_flags INTERFACE
  -Wall -Wextra -Werror -Wno-unknown-pragmas
  $<$<COMPILE_LANGUAGE:CXX>:-fno-math-errno>
  $<$<COMPILE_LANGUAGE:C>:-pedantic>
  # Without it the layout of builds would enter the binary through __FILE__.
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
target_link_libraries(nativedl_flags INTERFACE Threads::Threads)

if(NATIVEDL_SANITIZE)
  # -g1: lines are what a report needs; with all of -g a kernel compiles for a third longer.
  target_compile_options(nativedl_flags INTERFACE -fsanitize=${NATIVEDL_SANITIZE} -fno-sanitize-recover=all -g1 -fno-omit-frame-pointer)
  target_link_options(nativedl_flags INTERFACE -fsanitize=${NATIVEDL_SANITIZE})
endif()
