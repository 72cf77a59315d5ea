#include <algorithm>

#include "api/json_writer.h"
#include "base/text.h"
#include "members/catalogue_store.h"
#include "members/fields.h"
#include "members/history_upkeep.h"
#include "members/roles_store.h"
#include "members/segments_store.h"
#include "sql/counters.h"

namespace fealty::members {
namespace {

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

constexpr std::string_view kVisibilities[] = {"admin", "member", "public"};

bool is_data_attribute(std::string_view text) {
  return text.empty() || (text.size() > 5 && text.size() <= 50 && text.starts_with("data-") &&
                          std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }));
}

void read_options(NewField const& in, bool is_select, CustomField& field, std::vector<Issue>& issues) {
  if (is_select != !in.options.empty()) issues.push_back({"options", "bad_value", "A select has 1 to 200 options; other types have none."});
  for (auto const& option : in.options) {
    field.options.push_back(to_nfc(trim_blanks(option)));
    auto const& last = field.options.back();
    if (last.empty() || code_points(last) > 100 || has_control_characters(last, false) || std::ranges::count(field.options, last) > 1)
      issues.push_back({"options", "bad_value", "Options are distinct and have 1 to 100 characters each; found \"" + last + "\"."});
  }
  if (field.options.size() > kOptionsMax) issues.push_back({"options", "bad_value", "A select has at most 200 options."});
}

// Reads a definition and notes every problem of it.
CustomField read_definition(NewField const& in, std::vector<Issue>& issues) {
  CustomField field;
  auto wrong = [&](std::string place, std::string code, std::string message) {
    issues.push_back({std::move(place), std::move(code), std::move(message)});
  };
  field.name = to_nfc(trim_space(in.name));
  field.key = to_nfc(in.key.empty() ? key_from(field.name) : key_from(in.key));
  if (field.name.empty() || code_points(field.name) > 100 || has_control_characters(field.name, false))
    wrong("name", "bad_value", "A field's name has 1 to 100 characters on one line.");
  if (!is_key(field.key))
    wrong("field", "bad_field_key", "A field's key has 1 to 50 letters, digits, - and _; found \"" + field.key + "\".");
  auto const type = parse_field_type(in.type);
  if (!type)
    wrong("type", "bad_value",
          "Type must be one of single-line-text, text, multi-line-text, numerical, number, date, boolean, select; found \"" + in.type +
              "\".");
  field.type = type.value_or(FieldType::text);
  field.description = in.description;
  field.required = in.required;
  field.identifier = in.identifier;
  field.data_attribute = in.identifier ? in.data_attribute : "";
  field.visibility = in.visibility;
  field.member_editable = in.member_editable;
  field.creator = in.creator;
  if (code_points(in.description) > 500) wrong("description", "bad_value", "A description has at most 500 characters.");
  if (std::ranges::find(kVisibilities, in.visibility) == std::end(kVisibilities))
    wrong("visibility", "bad_value", "Visibility is admin, member or public; found \"" + in.visibility + "\".");
  read_options(in, type == FieldType::select, field, issues);
  if (field.identifier && type && kind_of(*type) != ValueKind::text && kind_of(*type) != ValueKind::decimal)
    wrong("identifier", "bad_value", "Only text and number fields can identify a member.");
  if (field.identifier && field.member_editable)
    wrong("memberEditable", "bad_value", "Members cannot change a field that identifies them.");
  if (!is_data_attribute(field.data_attribute))
    wrong("identifier/dataAttribute", "bad_value",
          "A data attribute is data- and small letters, digits and hyphens, at most 50 characters.");
  for (auto const& folded : {fold_case(field.name), fold_case(field.key)})
    if (folded.ends_with("_op"))
      wrong("name", "bad_value", "Names and keys may not end in _op: that is the operator column of another field.");
  if (type && !in.default_value.empty()) {
    auto const value = read_value(slot_of(field), in.default_value, {});
    if (value)
      field.default_value = *value;
    else
      wrong("defaultValue", value.error().code, value.error().message);
  }
  return field;
}

std::vector<std::string> names_of(CustomField const& field) { return {fold_case(field.name), fold_case(field.key)}; }

// The first of the field's names that another field has, or that is kept for a default one.
std::optional<Error> name_taken(sql::Tx& tx, CommunityNo community, CustomField const& field) {
  for (auto const& folded : names_of(field)) {
    auto const holder = find_field_name(tx, community, folded);
    if ((holder && *holder != field.number) || std::ranges::find(kReserved, folded) != std::end(kReserved))
      return Error{&errors::kFieldExists, "There is a field of the name or key \"" + folded + "\" already."};
  }
  return std::nullopt;
}

std::optional<Error> no_room(sql::Tx& tx, CommunityNo community, int fields_max) {
  if (load_catalogue(tx, community).fields.size() < static_cast<std::size_t>(fields_max)) return std::nullopt;
  return Error{&errors::kTooManyFields, "A community can have " + std::to_string(fields_max) + " custom fields."};
}

std::optional<Error> has_duplicates(sql::Tx& tx, CommunityNo community, FieldNo field) {
  auto const values = count_shared_values(tx, community, field);
  if (values == 0) return std::nullopt;
  Error error{&errors::kDuplicateValues, std::to_string(values) + " values of this field belong to more than one member each."};
  error.details.push_back({"values", Decimal{values * Decimal::kScale}});
  return error;
}

Error type_in_use(std::string message, std::int64_t values) {
  Error error{&errors::kTypeInUse, std::move(message)};
  error.details.push_back({"values", Decimal{values * Decimal::kScale}});
  return error;
}

// Whether every value that a member holds is one of the new definition.
std::optional<Error> values_refuse(sql::Tx& tx, CommunityNo community, CustomField const& before, CustomField const& after) {
  auto const from = kind_of(before.type), to = kind_of(after.type);
  if (from != to && !(from == ValueKind::text && to == ValueKind::multi_line))
    if (auto const values = count_values(tx, community, before.number); values > 0)
      return type_in_use("Members hold " + std::to_string(values) + " values of this field; a value of another type is another field.",
                         values);
  std::vector<std::string_view> gone;
  for (auto const& option : before.options)
    if (std::ranges::find(after.options, option) == after.options.end()) gone.push_back(option);
  if (auto const values = gone.empty() ? 0 : count_values_among(tx, community, before.number, gone); values > 0)
    return type_in_use("Members hold " + std::to_string(values) + " values that are no options any more.", values);
  if (after.identifier && !before.identifier) return has_duplicates(tx, community, before.number);
  return std::nullopt;
}

bool is_same(CustomField const& a, CustomField const& b) {
  return a.name == b.name && a.type == b.type && a.description == b.description && a.required == b.required &&
         a.default_value == b.default_value && a.options == b.options && a.visibility == b.visibility &&
         a.member_editable == b.member_editable && a.identifier == b.identifier && a.data_attribute == b.data_attribute;
}

}  // namespace

std::vector<Issue> definition_problems(NewField const& field) {
  std::vector<Issue> issues;
  read_definition(field, issues);
  return issues;
}

NewField definition_of(CustomField const& f) {
  NewField out;
  out.name = f.name;
  out.key = f.key;
  out.type = to_string(f.type);
  out.description = f.description;
  out.required = f.required;
  if (f.default_value.present)
    out.default_value = !f.default_value.is_number              ? f.default_value.text
                        : kind_of(f.type) == ValueKind::boolean ? (f.default_value.number != 0 ? "true" : "false")
                                                                : Decimal{f.default_value.number}.to_string();
  out.options = f.options;
  out.identifier = f.identifier;
  out.data_attribute = f.data_attribute;
  out.visibility = f.visibility;
  out.member_editable = f.member_editable;
  out.creator = f.creator;
  return out;
}

Result<CustomField> FieldService::create(CommunityNo community, NewField const& in, access::Actor const& actor, TimeMs now) {
  return database_.write([&](sql::Tx& tx) { return create_in(tx, community, in, actor, now); });
}

Result<CustomField> FieldService::create_in(sql::Tx& tx, CommunityNo community, NewField const& in, access::Actor const& actor,
                                            TimeMs now) {
  std::vector<Issue> issues;
  CustomField field = read_definition(in, issues);
  if (!issues.empty()) return fail(fealty::errors::kInvalidRequest, "The field could not be made.", std::move(issues));
  if (auto taken = name_taken(tx, community, field)) return std::unexpected(*std::move(taken));
  if (auto full = no_room(tx, community, fields_max_)) return std::unexpected(*std::move(full));
  field.number = {kCustomFieldsFrom + sql::draw_numbers(tx, "field")};
  field.created_at = field.updated_at = now;
  if (!insert_field(tx, community, field, names_of(field)))
    return fail(errors::kFieldExists, "Another field of this name or key was made at the same moment.");
  access::write_audit(tx, community, numbers_.next(),
                      {.actor = actor, .action = "field.create", .target = field.id().to_string(), .at = now});
  return field;
}

Result<CustomField> FieldService::update(CommunityNo community, PublicId id, NewField const& in, access::Actor const& actor, TimeMs now) {
  std::vector<Issue> issues;
  CustomField const read = read_definition(in, issues);
  if (!issues.empty()) return fail(fealty::errors::kInvalidRequest, "The field was not changed.", std::move(issues));
  return database_.write([&](sql::Tx& tx) -> Result<CustomField> {
    // Whoever writes values holds a range of members: they are finished now, and those that come read the new definition.
    ledger::lock_everybody(tx, community);
    lock_field(tx, community, {id.number});
    auto const before = find_field(tx, community, id);
    if (!before) return fail(errors::kFieldNotFound, "There is no such field in this community.");
    CustomField after = read;
    after.number = before->number;
    after.key = before->key;
    after.creator = before->creator;
    after.created_at = before->created_at;
    after.updated_at = now;
    if (is_same(*before, after)) return *before;
    if (auto taken = name_taken(tx, community, after)) return std::unexpected(*std::move(taken));
    if (auto refused = values_refuse(tx, community, *before, after)) return std::unexpected(*std::move(refused));
    if (!update_field(tx, community, after, names_of(after)))
      return fail(errors::kFieldExists, "Another field of this name or key was made at the same moment.");
    if (before->identifier && !after.identifier) forget_identifiers(tx, community, after.number);
    if (after.identifier && !before->identifier) index_identifiers(tx, community, after.number);
    access::write_audit(tx, community, numbers_.next(),
                        {.actor = actor, .action = "field.update", .target = after.id().to_string(), .at = now});
    return after;
  });
}

namespace {

std::optional<Error> used_by(sql::Tx& tx, CommunityNo community, CustomField const& field) {
  auto const segments = segments_with(tx, community, SegmentPart::Kind::field, field.number.value);
  if (segments.empty()) return std::nullopt;
  api::JsonWriter list;
  list.begin_array();
  std::vector<std::string> names;
  for (auto const& s : segments) {
    list.begin_object().key("kind").string("segment").key("id").string(s.id.to_string()).key("name").string(s.name).end_object();
    names.push_back("\"" + s.name + "\"");
  }
  list.end_array();
  Error error{&errors::kFieldInUse, "Segments refer to this field: " + join(names, ", ") + ". Change or delete them first."};
  error.details.push_back({"usedBy", DetailJson{list.take()}});
  return error;
}

}  // namespace

Result<CustomField> FieldService::remove(CommunityNo community, PublicId id, access::Actor const& actor, TimeMs now) {
  return database_.write([&](sql::Tx& tx) -> Result<CustomField> {
    ledger::lock_everybody(tx, community);
    // Who makes a segment with it has ended, or waits and finds it gone.
    lock_field(tx, community, {id.number});
    auto const field = find_field(tx, community, id);
    if (!field) return fail(errors::kFieldNotFound, "There is no such field in this community.");
    if (auto used = used_by(tx, community, *field)) return std::unexpected(*std::move(used));
    mark_field_deleted(tx, community, field->number, now);
    forget_identifiers(tx, community, field->number);
    access::write_audit(tx, community, numbers_.next(), {.actor = actor, .action = "field.delete", .target = id.to_string(), .at = now});
    return *field;
  });
}

Result<CustomField> FieldService::restore(CommunityNo community, PublicId id, access::Actor const& actor, TimeMs now) {
  return database_.write([&](sql::Tx& tx) -> Result<CustomField> {
    ledger::lock_everybody(tx, community);
    lock_field(tx, community, {id.number});
    auto field = find_deleted_field(tx, community, id);
    if (!field || now - *field->deleted_at > kFieldRestoreMs)
      return fail(errors::kFieldNotFound, "There is no such deleted field in this community; fields can be restored for 30 days.");
    if (auto taken = name_taken(tx, community, *field)) return std::unexpected(*std::move(taken));
    if (auto full = no_room(tx, community, fields_max_)) return std::unexpected(*std::move(full));
    if (field->identifier)
      if (auto shared = has_duplicates(tx, community, field->number)) return std::unexpected(*std::move(shared));
    if (!restore_field(tx, community, field->number, names_of(*field), now))
      return fail(errors::kFieldExists, "Another field of this name or key was made at the same moment.");
    if (field->identifier) index_identifiers(tx, community, field->number);
    access::write_audit(tx, community, numbers_.next(), {.actor = actor, .action = "field.restore", .target = id.to_string(), .at = now});
    field->deleted_at.reset();
    field->updated_at = now;
    return *field;
  });
}

Result<CustomField> FieldService::remove(CommunityNo community, std::string_view key, access::Actor const& actor, TimeMs now) {
  std::optional<PublicId> id;
  for (auto const& field : database_.read([&](sql::Tx& tx) { return load_catalogue(tx, community); }).fields)
    if (field.key == key || field.name == key) id = field.id();
  if (!id) return fail(errors::kFieldNotFound, "There is no field \"" + std::string(key) + "\" in this community.");
  return remove(community, *id, actor, now);
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
    insert_role(tx, community, {.number = role.number, .title = role.name, .order = role.position, .created_at = now});
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
