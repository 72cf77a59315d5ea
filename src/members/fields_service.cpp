#include "base/text.h"
#include "members/catalogue_store.h"
#include "members/fields.h"
#include "sql/counters.h"

namespace fealty::members {
namespace {

constexpr std::size_t kCustomFieldsMax = 200;
constexpr std::size_t kOptionsMax = 200;

// Keys and names share one name space with the default fields, and nothing in it ends in "_op": so a CSV header, a filter
// column and a field reference can each mean one thing only.
constexpr std::string_view kReserved[] = {
    "first_name",       "first name",   "last_name", "last name",   "username",    "email",       "phone",
    "country",          "language",     "role",      "tag",         "xp",          "coins",       "premium_currency",
    "premium currency", "join_date",    "join date", "last_online", "last online", "referred_by", "referred by",
    "display_name",     "display name", "user id",   "user_id",     "status",      "error_code",  "error_message"};

std::string key_from(std::string_view name) {
  std::string key;
  bool gap = false;
  for (char const c : trim_space(name)) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      gap = true;
    } else {
      if (gap) key += '-';
      gap = false;
      key += c;
    }
  }
  return key;
}

// Letters of any script, digits, "-" and "_": what is not ASCII is taken for a letter after NFC.
bool is_key(std::string_view key) {
  return !key.empty() && code_points(key) <= 50 && std::all_of(key.begin(), key.end(), [](char c) {
    auto const u = static_cast<unsigned char>(c);
    return u >= 0x80 || (u >= '0' && u <= '9') || (u >= 'A' && u <= 'Z') || (u >= 'a' && u <= 'z') || u == '-' || u == '_';
  });
}

}  // namespace

Result<CustomField> FieldService::create(CommunityNo community, NewField const& in, access::Actor const& actor, TimeMs now) {
  return database_.write([&](sql::Tx& tx) -> Result<CustomField> {
    std::vector<Issue> issues;
    CustomField field;
    field.name = to_nfc(trim_space(in.name));
    field.key = to_nfc(in.key.empty() ? key_from(field.name) : key_from(in.key));
    if (field.name.empty() || code_points(field.name) > 100 || has_control_characters(field.name, false))
      issues.push_back({"name", "bad_value", "A field's name has 1 to 100 characters on one line."});
    if (!is_key(field.key))
      issues.push_back({"field", "bad_field_key", "A field's key has 1 to 50 letters, digits, - and _; found \"" + field.key + "\"."});
    auto const type = parse_field_type(in.type);
    if (!type)
      issues.push_back({"type", "bad_value",
                        "Type must be one of single-line-text, text, multi-line-text, numerical, number, date, boolean, select; found \"" +
                            in.type + "\"."});
    field.type = type.value_or(FieldType::text);
    field.description = in.description;
    field.required = in.required;
    field.identifier = in.identifier;
    if (code_points(in.description) > 500) issues.push_back({"description", "bad_value", "A description has at most 500 characters."});
    bool const is_select = type == FieldType::select;
    if (is_select != !in.options.empty())
      issues.push_back({"options", "bad_value", "A select has 1 to 200 options; other types have none."});
    for (auto const& option : in.options) {
      field.options.push_back(to_nfc(trim_blanks(option)));
      auto const& last = field.options.back();
      if (last.empty() || code_points(last) > 100 || has_control_characters(last, false) ||
          std::count(field.options.begin(), field.options.end(), last) > 1)
        issues.push_back({"options", "bad_value", "Options are distinct and have 1 to 100 characters each; found \"" + last + "\"."});
    }
    if (field.options.size() > kOptionsMax) issues.push_back({"options", "bad_value", "A select has at most 200 options."});
    if (field.identifier && type && kind_of(*type) != ValueKind::text && kind_of(*type) != ValueKind::decimal)
      issues.push_back({"identifier", "bad_value", "Only text and number fields can identify a member."});
    auto const folded_name = fold_case(field.name), folded_key = fold_case(field.key);
    for (auto const& folded : {folded_name, folded_key})
      if (folded.ends_with("_op"))
        issues.push_back({"name", "bad_value", "Names and keys may not end in _op: that is the operator column of another field."});
    if (type && !in.default_value.empty()) {
      auto const value = read_value(slot_of(field), in.default_value, {});
      if (value)
        field.default_value = *value;
      else
        issues.push_back({"defaultValue", value.error().code, value.error().message});
    }
    if (!issues.empty()) return fail(fealty::errors::kInvalidRequest, "The field could not be made.", std::move(issues));

    for (auto const& folded : {folded_name, folded_key})
      if (std::find(std::begin(kReserved), std::end(kReserved), folded) != std::end(kReserved) || find_field_name(tx, community, folded))
        return fail(errors::kFieldExists, "There is a field of the name or key \"" + folded + "\" already.");
    if (load_catalogue(tx, community).fields.size() >= kCustomFieldsMax)
      return fail(errors::kTooManyFields, "A community can have " + std::to_string(kCustomFieldsMax) + " custom fields.");

    field.number = {kCustomFieldsFrom + sql::draw_numbers(tx, "field")};
    field.created_at = field.updated_at = now;
    if (!insert_field(tx, community, field, {folded_name, folded_key}))
      return fail(errors::kFieldExists, "Another field of this name or key was made at the same moment.");
    access::write_audit(tx, community, numbers_.next(),
                        {.actor = actor, .action = "field.create", .target = field.id().to_string(), .at = now});
    return field;
  });
}

Result<CustomField> FieldService::remove(CommunityNo community, std::string_view key, access::Actor const& actor, TimeMs now) {
  return database_.write([&](sql::Tx& tx) -> Result<CustomField> {
    for (auto& field : load_catalogue(tx, community).fields) {
      if (field.key != key && field.name != key) continue;
      mark_field_deleted(tx, community, field.number, now);
      access::write_audit(tx, community, numbers_.next(),
                          {.actor = actor, .action = "field.delete", .target = field.id().to_string(), .at = now});
      return field;
    }
    return fail(errors::kFieldNotFound, "There is no field \"" + std::string(key) + "\" in this community.");
  });
}

Result<NamedNumber> FieldService::create_role(CommunityNo community, std::string const& title, access::Actor const& actor, TimeMs now) {
  return database_.write([&](sql::Tx& tx) -> Result<NamedNumber> {
    NamedNumber role{0, to_nfc(trim_space(title)), false, false, 0};
    if (role.name.empty() || code_points(role.name) > 50 || role.name.find(',') != std::string::npos || role.name == "@all" ||
        has_control_characters(role.name, false))
      return fail(fealty::errors::kInvalidRequest, "A role's title has 1 to 50 characters, no comma, and is not @all.");
    auto const known = load_catalogue(tx, community).roles;
    for (auto const& other : known) {
      if (other.name == role.name) return fail(errors::kFieldExists, "There is a role \"" + role.name + "\" already.");
      role.position = std::max(role.position, other.position);
    }
    role.number = sql::draw_numbers(tx, "role");
    role.position += 10;
    insert_role(tx, community, role, now);
    access::write_audit(tx, community, numbers_.next(), {.actor = actor, .action = "role.create", .target = role.name, .at = now});
    return role;
  });
}

Result<NamedNumber> FieldService::create_tag(CommunityNo community, std::string const& name, access::Actor const& actor, TimeMs now) {
  return database_.write([&](sql::Tx& tx) -> Result<NamedNumber> {
    NamedNumber tag{0, to_nfc(trim_space(name)), false, false, 0};
    if (tag.name.empty() || code_points(tag.name) > 50 || tag.name.find(',') != std::string::npos ||
        has_control_characters(tag.name, false))
      return fail(fealty::errors::kInvalidRequest, "A tag's name has 1 to 50 characters and no comma.");
    for (auto const& other : load_catalogue(tx, community).tags)
      if (other.name == tag.name) return fail(errors::kFieldExists, "There is a tag \"" + tag.name + "\" already.");
    tag.number = sql::draw_numbers(tx, "tag");
    insert_tag(tx, community, tag, now);
    access::write_audit(tx, community, numbers_.next(), {.actor = actor, .action = "tag.create", .target = tag.name, .at = now});
    return tag;
  });
}

}  // namespace fealty::members
