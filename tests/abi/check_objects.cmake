# check_objects.cmake namespace <prefix> objects...   every symbol that an object defines for others lies in the
#                                                     namespace: else the linker could give one instruction set's code
#                                                     to another
# check_objects.cmake narrow - objects...             no AVX instruction, whatever the width of its registers: v... by name
cmake_minimum_required(VERSION 3.25)

math(EXPR last "${CMAKE_ARGC} - 1")
set(arguments "")
foreach(i RANGE ${last})
  list(APPEND arguments ${CMAKE_ARGV${i}})
endforeach()
list(FIND arguments "${CMAKE_CURRENT_LIST_FILE}" script)
math(EXPR first "${script} + 1")
list(SUBLIST arguments ${first} -1 arguments)
list(POP_FRONT arguments mode prefix)

foreach(object IN LISTS arguments)
  if(mode STREQUAL "namespace")
    execute_process(COMMAND ${NM} -C --defined-only --extern-only ${object} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL "[^\n]+" symbols "${text}")
    foreach(symbol IN LISTS symbols)
      if(NOT symbol MATCHES "${prefix}")
        message(SEND_ERROR "${object}: '${symbol}' lies outside ${prefix}")
      endif()
    endforeach()
  else()
    execute_process(COMMAND ${OBJDUMP} -d --no-show-raw-insn ${object} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
    if(text MATCHES ":\t(v[^\n]*)")
      message(SEND_ERROR "${object}: '${CMAKE_MATCH_1}' is an AVX instruction")
    endif()
  endif()
endforeach()
