#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sinew/gateway/document_rules.hpp"
#include "sinew/gateway/entities.hpp"

// Entities as they are written: with nested ones, references and what is not supported. Each says
// its options once, for the reader and for docs/reference/gateway.md.
namespace sinew::gateway {

struct Extras {
  std::string place;                  // services[2].routes[0]
  std::optional<std::size_t> parent;  // of a nested entity: the index of what it is nested in
  std::int64_t updated_at = 0;
  NotSupported not_supported;
  Ignored ignored;
};

struct ServiceDocument : Service, Extras {
  std::optional<std::string> url;
  EntityList routes;
  Reference certificate;
  std::vector<Reference> authority_ids;
  ServiceSettings sinew;

  static void describe(config::Section<ServiceDocument>& section);
  std::vector<std::string> violations() const;
};

struct RouteDocument : Route, Extras {
  Reference service;
  Only<"0"> regex_priority;
  Only<"v0"> path_handling;
  Only<"true"> request_buffering;
  Only<"true"> response_buffering;

  static void describe(config::Section<RouteDocument>& section);
  std::vector<std::string> violations() const;
};

struct TargetDocument : Target, Extras {
  Reference upstream;

  static void describe(config::Section<TargetDocument>& section);
};

struct UpstreamDocument : Upstream, Extras {
  EntityList targets;
  Reference certificate;
  Only<"false"> use_srv_name;

  static void describe(config::Section<UpstreamDocument>& section);
  std::vector<std::string> violations() const;
};

struct ServerNameDocument : Certificate::ServerName, Extras {
  Reference certificate;

  static void describe(config::Section<ServerNameDocument>& section);
};

struct CertificateDocument : Certificate, Extras {
  // Where the PEM text is; read with the file.
  struct Sinew {
    std::optional<Secret> cert;
    std::optional<Secret> key;

    static void describe(config::Section<Sinew>& section);
  };
  std::optional<Pem> cert_text;
  std::optional<Pem> key_text;
  Sinew sinew;
  EntityList snis;

  static void describe(config::Section<CertificateDocument>& section);
  std::vector<std::string> violations() const;
};

struct CaCertificateDocument : CaCertificate, Extras {
  // Where the PEM text is; read with the file.
  struct Sinew {
    std::optional<Secret> cert;

    static void describe(config::Section<Sinew>& section);
  };
  std::optional<Pem> cert_text;
  std::optional<std::string> cert_digest;
  Sinew sinew;

  static void describe(config::Section<CaCertificateDocument>& section);
  std::vector<std::string> violations() const;
};

struct FileDocument : Extras {
  struct Sinew {
    std::vector<ListenerSettings> listeners;

    static void describe(config::Section<Sinew>& section);
  };
  FormatVersion format_version;
  bool transform = true;
  EntityList services;
  EntityList routes;
  EntityList upstreams;
  EntityList targets;
  EntityList certificates;
  EntityList ca_certificates;
  EntityList snis;
  Sinew sinew;

  static void describe(config::Section<FileDocument>& section);
};

// All of a file's entities, nested or not; those of a kind in the order of their lines.
struct Documents {
  FileDocument file;
  std::vector<ServiceDocument> services;
  std::vector<RouteDocument> routes;
  std::vector<UpstreamDocument> upstreams;
  std::vector<TargetDocument> targets;
  std::vector<CertificateDocument> certificates;
  std::vector<CaCertificateDocument> ca_certificates;
  std::vector<ServerNameDocument> snis;
};

// Reads each entity by itself.
Documents read_documents(const config::Node& root, config::Problems& problems,
                         const Environment& environment);

// Joins them: ids, references, names that are taken, and what is hardly meant.
Configuration link_documents(Documents documents, config::Problems& problems,
                             config::Problems& warnings);

}  // namespace sinew::gateway
