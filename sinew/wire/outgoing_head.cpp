#include "sinew/wire/outgoing_head.hpp"

#include <cstring>

#include "sinew/wire/chars.hpp"

namespace sinew::wire {
namespace {

constexpr std::string_view kVersion = "HTTP/1.1";
constexpr std::string_view kLineEnd = "\r\n";

}  // namespace

OutgoingHead::OutgoingHead(const RequestHead& head, Bytes received,
                           std::span<std::byte> scratch) noexcept
    : head_(head), request_(&head), received_(as_text(received)), own_(scratch) {}

OutgoingHead::OutgoingHead(const AnswerHead& head, Bytes received,
                           std::span<std::byte> scratch) noexcept
    : head_(head), received_(as_text(received)), own_(scratch) {}

OutgoingHead& OutgoingHead::target(std::string_view prefix, std::string_view path) noexcept {
  if (!all(prefix, kPath) || !all(path, kPath) || prefix.size() + path.size() == 0) {
    fault_ = Fault::bad_target;
  }
  replaces_target_ = true;
  prefix_ = prefix;
  path_ = path;
  return *this;
}

OutgoingHead& OutgoingHead::remove(const FieldSet& fields) noexcept {
  removed_.insert(fields);
  return *this;
}

OutgoingHead& OutgoingHead::remove(FieldId id) noexcept {
  const Fields fields = head_.fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].id == id) removed_.insert(i);
  }
  return *this;
}

OutgoingHead& OutgoingHead::remove(std::string_view name) noexcept {
  if (const FieldId id = identify_field(name); id != FieldId::other) return remove(id);
  const Fields fields = head_.fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (iequals(fields[i].name.in(received_), name)) removed_.insert(i);
  }
  return *this;
}

OutgoingHead& OutgoingHead::add(std::string_view name, std::string_view value) noexcept {
  own_.field(name, value);
  return *this;
}

OutgoingHead& OutgoingHead::set(std::string_view name, std::string_view value) noexcept {
  return remove(name).add(name, value);
}

OutgoingHead& OutgoingHead::content_length(std::uint64_t length) noexcept {
  remove(FieldId::content_length).remove(FieldId::transfer_encoding);
  own_.content_length(length);
  return *this;
}

OutgoingHead& OutgoingHead::chunked() noexcept {
  remove(FieldId::content_length).remove(FieldId::transfer_encoding);
  own_.chunked();
  return *this;
}

std::expected<std::span<const Bytes>, Fault> OutgoingHead::pieces() noexcept {
  own_.end_of_head();
  if (fault_ == Fault::none) fault_ = own_.fault();
  if (fault_ != Fault::none) return std::unexpected(fault_);
  put_start_line();
  put_kept_fields();
  put(as_text(own_.written()));
  return std::span(pieces_).first(count_);
}

// Joined to the piece before it where the two touch.
void OutgoingHead::put(std::string_view text) noexcept {
  if (text.empty()) return;
  const Bytes bytes = as_bytes(text);
  if (count_ > 0 && pieces_[count_ - 1].data() + pieces_[count_ - 1].size() == bytes.data()) {
    Bytes& last = pieces_[count_ - 1];
    last = {last.data(), last.size() + bytes.size()};
    return;
  }
  pieces_[count_++] = bytes;
}

std::string_view OutgoingHead::range(std::size_t begin, std::size_t end) const noexcept {
  return received_.substr(begin, end - begin);
}

std::size_t OutgoingHead::fields_begin() const noexcept {
  return head_.field_count > 0 ? head_.storage[0].name.offset : head_.bytes - kLineEnd.size();
}

void OutgoingHead::put_start_line() noexcept {
  if (request_ == nullptr) {
    put_status_line();
    return;
  }
  const std::size_t target = request_->target.offset;
  put(range(request_->method_text.offset, target));
  put_target();
  const std::size_t target_end = target + request_->target.length;
  if (request_->version == Version::http_1_1) {
    put(range(target_end, fields_begin()));
  } else {
    put(" HTTP/1.1\r\n");
  }
}

void OutgoingHead::put_target() noexcept {
  const std::size_t end = request_->target.offset + request_->target.length;
  if (replaces_target_) {
    put(prefix_);
    put(path_);
    put(range(request_->path.offset + request_->path.length, end));
  } else if (request_->form == TargetForm::absolute) {
    // RFC 9112, section 3.2.4: OPTIONS of a whole server ends as the asterisk.
    const bool server_wide = request_->method == Method::options && !request_->has_query;
    if (request_->path.empty()) put(server_wide ? "*" : "/");
    put(range(request_->path.offset, end));
  } else {
    put(request_->target.in(received_));
  }
}

void OutgoingHead::put_status_line() noexcept {
  if (head_.version == Version::http_1_1) {
    put(range(0, fields_begin()));
    return;
  }
  put(kVersion);
  put(range(kVersion.size(), fields_begin()));
}

void OutgoingHead::put_kept_fields() noexcept {
  const Fields fields = head_.fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (removed_.contains(i)) continue;
    const std::size_t end =
        i + 1 < fields.size() ? fields[i + 1].name.offset : head_.bytes - kLineEnd.size();
    put(range(fields[i].name.offset, end));
  }
}

std::expected<Bytes, Fault> join(std::span<const Bytes> pieces, std::span<std::byte> out) noexcept {
  std::size_t size = 0;
  for (const Bytes piece : pieces) {
    if (piece.size() > out.size() - size) return std::unexpected(Fault::no_space);
    std::memcpy(out.data() + size, piece.data(), piece.size());
    size += piece.size();
  }
  return Bytes(out.first(size));
}

}  // namespace sinew::wire
