# What `cpack` makes of a build, in its folder: two packages for Debian.
#
#   sinew           the programs, the gateway's unit for systemd and its configuration
#   libsinew-dev    the library
#
# The unit and the configuration have fixed places, so that `make install` leaves them out: they are
# of the component `service`. The programs of the examples are in no package.

install(FILES packaging/sinew-proxy.service
  DESTINATION lib/systemd/system COMPONENT service EXCLUDE_FROM_ALL)
install(FILES packaging/gateway.yaml DESTINATION /etc/sinew COMPONENT service EXCLUDE_FROM_ALL)
install(FILES docs/howto/run-the-proxy.md
  DESTINATION share/doc/sinew COMPONENT service EXCLUDE_FROM_ALL)
# As Debian calls it. The library has the licence under its own name: no file is in two packages.
install(FILES LICENSE RENAME copyright
  DESTINATION share/doc/sinew COMPONENT service EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sinew)
set(CPACK_PACKAGE_VENDOR sinew)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL programs service library)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_COMPONENT_PROGRAMS_GROUP gateway)
set(CPACK_COMPONENT_SERVICE_GROUP gateway)
set(CPACK_COMPONENT_LIBRARY_GROUP development)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "Sinew's maintainers")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_GATEWAY_PACKAGE_NAME sinew)
set(CPACK_DEBIAN_GATEWAY_PACKAGE_SECTION net)
set(CPACK_DEBIAN_GATEWAY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_GATEWAY_PACKAGE_DEPENDS adduser)
set(scripts ${PROJECT_SOURCE_DIR}/packaging/debian)
set(CPACK_DEBIAN_GATEWAY_PACKAGE_CONTROL_EXTRA
  ${scripts}/conffiles ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm)
set(CPACK_COMPONENT_GROUP_GATEWAY_DESCRIPTION
  "An API gateway that reads Kong's declarative configuration, and the operator's command.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libsinew-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "libboost1.81-dev, libboost-json1.81-dev, libboost-url1.81-dev, libc-ares-dev, libfmt-dev, \
libprotobuf-dev, libspdlog-dev, libsqlite3-dev, libssl-dev, libyaml-cpp-dev")
set(CPACK_COMPONENT_GROUP_DEVELOPMENT_DESCRIPTION
  "The library for messages, sagas and the edge between bounded contexts, for C++23.")

include(CPack)
