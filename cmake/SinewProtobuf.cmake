# sinew_proto(TARGET files.proto...): a library of the messages of committed .proto files, made by
# protoc. Their headers are included from the root of the repository: "adapters/protobuf/x.pb.h".
#
# Who writes or reads no Protobuf links none of it.

find_package(Protobuf 3.21 REQUIRED)

function(sinew_proto target)
  set(generated ${PROJECT_BINARY_DIR}/generated)
  set(sources)
  foreach(file IN LISTS ARGN)
    file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    string(REGEX REPLACE "\\.proto$" ".pb" stem ${path})
    add_custom_command(OUTPUT ${generated}/${stem}.cc ${generated}/${stem}.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${generated}
      COMMAND protobuf::protoc --cpp_out=${generated} -I${PROJECT_SOURCE_DIR}
        ${PROJECT_SOURCE_DIR}/${path}
      DEPENDS ${PROJECT_SOURCE_DIR}/${path}
      COMMENT "Generating ${stem}.h")
    list(APPEND sources ${generated}/${stem}.cc)
  endforeach()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} SYSTEM PUBLIC ${generated})
  target_link_libraries(${target} PUBLIC protobuf::libprotobuf)
endfunction()
