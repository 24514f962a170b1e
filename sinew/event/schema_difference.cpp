#include "sinew/event/schema_difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "sinew/base/json_reader.hpp"

namespace sinew::event {
namespace {

struct ChangeRow {
  Change change;
  std::string_view name;
  bool breaks;
  std::string_view text;
};

constexpr std::array<ChangeRow, 30> changes = {{
    {Change::type_changed, "type_changed", true, "has another type"},
    {Change::type_extended, "type_extended", false, "takes every number now"},
    {Change::type_narrowed, "type_narrowed", true, "takes integers only, older data has fractions"},
    {Change::limit_added, "limit_added", true, "has a limit that older data need not keep"},
    {Change::limit_tightened, "limit_tightened", true, "is tighter than what older data keeps"},
    {Change::limit_loosened, "limit_loosened", false, "is looser"},
    {Change::limit_removed, "limit_removed", false, "is no longer limited"},
    {Change::limit_changed, "limit_changed", true,
     "is another one, which older data need not keep"},
    {Change::enum_added, "enum_added", true, "takes certain values only, older data any"},
    {Change::enum_extended, "enum_extended", false, "takes more values"},
    {Change::enum_narrowed, "enum_narrowed", true, "no longer takes every value of older data"},
    {Change::enum_changed, "enum_changed", true, "no longer takes every value of older data"},
    {Change::enum_removed, "enum_removed", false, "takes any value"},
    {Change::required_added, "required_added", true, "is required, and older data may lack it"},
    {Change::required_removed, "required_removed", false, "is no longer required"},
    {Change::default_changed, "default_changed", false, "has another default"},
    {Change::property_added_to_open_model, "property_added_to_open_model", true,
     "has a schema now, and older data may have anything under its name"},
    {Change::any_property_added_to_open_model, "any_property_added_to_open_model", false,
     "is new and takes anything"},
    {Change::optional_property_added, "optional_property_added", false, "is new and optional"},
    {Change::required_property_added, "required_property_added", true,
     "is new and required, and older data lacks it"},
    {Change::property_added_is_covered, "property_added_is_covered", false,
     "takes what additional properties took"},
    {Change::property_added_not_covered, "property_added_not_covered", true,
     "does not take all that additional properties took"},
    {Change::property_removed_from_open_model, "property_removed_from_open_model", false,
     "is no longer read"},
    {Change::property_removed_from_closed_model, "property_removed_from_closed_model", true,
     "is refused, and older data has it"},
    {Change::property_removed_is_covered, "property_removed_is_covered", false,
     "is read as an additional property"},
    {Change::property_removed_not_covered, "property_removed_not_covered", true,
     "is refused by the schema of additional properties"},
    {Change::others_allowed, "others_allowed", false, "are allowed now"},
    {Change::others_refused, "others_refused", true, "are refused, and older data may have some"},
    {Change::others_narrowed, "others_narrowed", true,
     "have a schema that older data need not keep"},
    {Change::others_extended, "others_extended", false, "may be anything now"},
}};

const ChangeRow& row_of(Change change) {
  return *std::ranges::find(changes, change, &ChangeRow::change);
}

const SchemaNode& anything() {
  static const SchemaNode node;
  return node;
}

bool is_open(OtherMembers others) { return others == OtherMembers::allowed; }

// Walks two schemas together. Each pair of schemas is compared once, at the first place that leads
// to it, so definitions that contain themselves end.
class Comparison {
 public:
  Comparison(const Schema& written, const Schema& reader, ContentModel model)
      : written_schema_(written), reader_schema_(reader), model_(model) {}

  std::vector<SchemaDifference> run() {
    compare(written_schema_.root(), reader_schema_.root());
    return std::move(found_);
  }

 private:
  // While it lives the path is longer.
  class Step {
   public:
    Step(Comparison& comparison, std::string_view name) : comparison_(comparison) {
      length_ = comparison.path_.size();
      if (name != "[]" && length_ > 0) comparison.path_ += '.';
      comparison.path_ += name;
    }
    ~Step() { comparison_.path_.resize(length_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Comparison& comparison_;
    std::size_t length_ = 0;
  };

  void report(Change change, std::string_view keyword = {}) {
    found_.push_back({path_, std::string(keyword), change, std::string(row_of(change).text)});
  }

  void compare(const SchemaNode& written_reference, const SchemaNode& reader_reference) {
    const SchemaNode& written = written_schema_.resolve(written_reference);
    const SchemaNode& reader = reader_schema_.resolve(reader_reference);
    if (!compared_.emplace(&written, &reader).second) return;
    if (++depth_ > max_schema_depth) {
      throw DocumentError({{path_, "nests deeper than schemas can be compared"}});
    }
    compare_types(written, reader);
    --depth_;
  }

  void compare_types(const SchemaNode& written, const SchemaNode& reader) {
    if (reader.type == SchemaType::any) return;
    if (written.type == SchemaType::integer && reader.type == SchemaType::number) {
      report(Change::type_extended, "type");
    } else if (written.type == SchemaType::number && reader.type == SchemaType::integer) {
      report(Change::type_narrowed, "type");
    } else if (written.type != reader.type) {
      return report(Change::type_changed, "type");
    }
    compare_range(written.value, reader.value, "minimum", "maximum");
    compare_range(written.decimal, reader.decimal, "x-minimum", "x-maximum");
    compare_range(written.length, reader.length, "minLength", "maxLength");
    compare_range(written.items, reader.items, "minItems", "maxItems");
    compare_range(written.members, reader.members, "minProperties", "maxProperties");
    compare_text(written.format, reader.format, "format");
    compare_text(written.pattern, reader.pattern, "pattern");
    compare_names(written.names, reader.names);
    if (reader.item != nullptr) compare_items(written, reader);
    if (reader.type == SchemaType::object) compare_objects(written, reader);
  }

  template <class T>
  void compare_range(const SchemaRange<T>& written, const SchemaRange<T>& reader,
                     std::string_view minimum, std::string_view maximum) {
    const auto is_more = [](const T& a, const T& b) { return a > b; };
    const auto is_less = [](const T& a, const T& b) { return a < b; };
    compare_bound(written.minimum, reader.minimum, minimum, is_more);
    compare_bound(written.maximum, reader.maximum, maximum, is_less);
  }

  template <class T, class IsTighter>
  void compare_bound(const std::optional<T>& written, const std::optional<T>& reader,
                     std::string_view keyword, IsTighter is_tighter) {
    if (written == reader) return;
    if (!written) return report(Change::limit_added, keyword);
    if (!reader) return report(Change::limit_removed, keyword);
    report(is_tighter(*reader, *written) ? Change::limit_tightened : Change::limit_loosened,
           keyword);
  }

  void compare_text(const std::string& written, const std::string& reader,
                    std::string_view keyword) {
    if (written == reader) return;
    if (written.empty()) return report(Change::limit_added, keyword);
    report(reader.empty() ? Change::limit_removed : Change::limit_changed, keyword);
  }

  void compare_names(std::vector<std::string> written, std::vector<std::string> reader) {
    std::ranges::sort(written);
    std::ranges::sort(reader);
    if (written == reader) return;
    if (written.empty()) return report(Change::enum_added, "enum");
    if (reader.empty()) return report(Change::enum_removed, "enum");
    if (std::ranges::includes(reader, written)) return report(Change::enum_extended, "enum");
    const bool fewer = std::ranges::includes(written, reader);
    report(fewer ? Change::enum_narrowed : Change::enum_changed, "enum");
  }

  void compare_items(const SchemaNode& written, const SchemaNode& reader) {
    const Step step(*this, "[]");
    compare(written.item != nullptr ? *written.item : anything(), *reader.item);
  }

  void compare_objects(const SchemaNode& written, const SchemaNode& reader) {
    const OtherMembers beside_written = others_written(written);
    const OtherMembers beside_read = others_read(reader);
    for (const SchemaProperty& property : written.properties) {
      const Step step(*this, property.name);
      const SchemaProperty* now = reader.find(property.name);
      if (now != nullptr) {
        compare_property(property, *now);
      } else {
        compare_removed(property, reader, beside_read);
      }
    }
    for (const SchemaProperty& property : reader.properties) {
      if (written.find(property.name) != nullptr) continue;
      const Step step(*this, property.name);
      compare_added(property, written, beside_written);
    }
    const bool nothing_said =
        written.others == OtherMembers::unsaid && reader.others == OtherMembers::unsaid;
    if (!nothing_said) compare_others(written, reader, beside_written, beside_read);
  }

  OtherMembers others_written(const SchemaNode& node) const {
    if (node.others != OtherMembers::unsaid) return node.others;
    return model_ == ContentModel::declared ? OtherMembers::allowed : OtherMembers::refused;
  }

  static OtherMembers others_read(const SchemaNode& node) {
    return node.others == OtherMembers::unsaid ? OtherMembers::allowed : node.others;
  }

  void compare_property(const SchemaProperty& written, const SchemaProperty& reader) {
    if (written.required && !reader.required) report(Change::required_removed, "required");
    if (!written.required && reader.required) report(Change::required_added, "required");
    if (written.initial && reader.initial && *written.initial != *reader.initial) {
      report(Change::default_changed, "default");
    }
    compare(written.schema, reader.schema);
  }

  void compare_removed(const SchemaProperty& property, const SchemaNode& reader,
                       OtherMembers beside) {
    if (is_open(beside)) return report(Change::property_removed_from_open_model);
    if (beside == OtherMembers::refused) return report(Change::property_removed_from_closed_model);
    report(covers(property.schema, *reader.other) ? Change::property_removed_is_covered
                                                  : Change::property_removed_not_covered);
  }

  void compare_added(const SchemaProperty& property, const SchemaNode& written,
                     OtherMembers beside) {
    if (is_open(beside)) {
      const bool any = reader_schema_.resolve(property.schema).type == SchemaType::any;
      report(any ? Change::any_property_added_to_open_model : Change::property_added_to_open_model);
      if (property.required) report(Change::required_property_added);
      return;
    }
    if (beside == OtherMembers::of_schema) {
      report(covers(*written.other, property.schema) ? Change::property_added_is_covered
                                                     : Change::property_added_not_covered);
    }
    report(property.required ? Change::required_property_added : Change::optional_property_added);
  }

  // Compares, and says whether nothing of it breaks.
  bool covers(const SchemaNode& written, const SchemaNode& reader) {
    const std::size_t before = found_.size();
    compare(written, reader);
    return std::none_of(found_.begin() + static_cast<std::ptrdiff_t>(before), found_.end(),
                        [](const auto& found) { return breaks_reader(found.change); });
  }

  void compare_others(const SchemaNode& written, const SchemaNode& reader,
                      OtherMembers beside_written, OtherMembers beside_read) {
    constexpr std::string_view keyword = "additionalProperties";
    const bool were = beside_written != OtherMembers::refused;
    const bool are = beside_read != OtherMembers::refused;
    if (were != are) return report(are ? Change::others_allowed : Change::others_refused, keyword);
    if (!are || (is_open(beside_written) && is_open(beside_read))) return;
    if (is_open(beside_written)) return report(Change::others_narrowed, keyword);
    if (is_open(beside_read)) return report(Change::others_extended, keyword);
    const Step step(*this, "*");
    compare(*written.other, *reader.other);
  }

  const Schema& written_schema_;
  const Schema& reader_schema_;
  ContentModel model_;
  std::string path_;
  int depth_ = 0;
  std::set<std::pair<const SchemaNode*, const SchemaNode*>> compared_;
  std::vector<SchemaDifference> found_;
};

}  // namespace

std::string_view to_string(Change change) noexcept { return row_of(change).name; }

bool breaks_reader(Change change) noexcept { return row_of(change).breaks; }

std::vector<SchemaDifference> compare(const Schema& written, const Schema& reader,
                                      ContentModel model) {
  return Comparison(written, reader, model).run();
}

std::vector<SchemaDifference> breaking(std::vector<SchemaDifference> differences) {
  std::erase_if(differences, [](const auto& found) { return !breaks_reader(found.change); });
  return differences;
}

}  // namespace sinew::event
