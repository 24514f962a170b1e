# cmake -D BUILD=... -D SCRATCH=... -P install.cmake: installs what is built into SCRATCH, with
# DESTDIR, for a prefix that is another place. Without BUILD: removes it.
file(REMOVE_RECURSE ${SCRATCH})
if(BUILD)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env DESTDIR=${SCRATCH}
      ${CMAKE_COMMAND} --install ${BUILD} --prefix /opt/sinew
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endif()
