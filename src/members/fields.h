// Fields of members: the default ones that the system keeps and the custom ones that a community defines. A slot is
// anything of a member that a change can write: a currency's balance, a profile text, the role set, the tag set, a custom
// field. Every path that changes a member goes through slots.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/decimal.h"
#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "ledger/ledger.h"
#include "sql/sql.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kBadFieldKey{"bad_field_key", 400};
inline constexpr ErrorDef kFieldExists{"field_exists", 409};
inline constexpr ErrorDef kTooManyFields{"too_many_fields", 409};
inline constexpr ErrorDef kFieldNotFound{"field_not_found", 404};
inline constexpr ErrorDef kKeyIsFixed{"key_is_fixed", 400};
inline constexpr ErrorDef kDefaultField{"default_field", 403};
inline constexpr ErrorDef kTypeInUse{"type_in_use", 409};
inline constexpr ErrorDef kFieldInUse{"field_in_use", 409};
inline constexpr ErrorDef kDuplicateValues{"duplicate_values", 409};
}  // namespace errors

// Numbers of the default fields, fixed: they stand in histories.
inline constexpr FieldNo kFirstName{1}, kLastName{2}, kDisplayName{3}, kPhone{4}, kCountry{5}, kLanguage{6}, kRole{7}, kTag{8};
inline constexpr std::int64_t kCustomFieldsFrom = 100;

enum class FieldType : std::uint8_t { single_line_text, text, multi_line_text, numerical, number, date, boolean, select };
std::string_view to_string(FieldType t);
std::optional<FieldType> parse_field_type(std::string_view text);
enum class ValueKind : std::uint8_t { text, multi_line, decimal, date, boolean, option, phone, country, language, role_set, tag_set };
ValueKind kind_of(FieldType t);

// The value of a slot in canonical form: two values are equal when these are. Decimals, booleans and balances are numbers.
struct Value {
  bool present = false;
  bool is_number = false;
  std::int64_t number = 0;  // millionths; booleans 0 or 1
  std::string text;
  bool operator==(Value const&) const = default;
  static Value none() { return {}; }
  static Value of(Decimal d) { return {true, true, d.micros, {}}; }
  static Value of(bool b) { return {true, true, b ? 1 : 0, {}}; }
  static Value of(std::string t) { return {true, false, 0, std::move(t)}; }
};
// The same without a copy of its text.
struct ValueView {
  bool present = false;
  bool is_number = false;
  std::int64_t number = 0;
  std::string_view text;
  ValueView() = default;
  ValueView(Value const& v) : present(v.present), is_number(v.is_number), number(v.number), text(v.text) {}  // NOLINT: is one
  // As it is stored: one of the two, or nothing.
  ValueView(std::optional<std::int64_t> stored_number, std::optional<std::string_view> stored_text)
      : present(stored_number || stored_text),
        is_number(stored_number.has_value()),
        number(stored_number.value_or(0)),
        text(stored_text.value_or(std::string_view())) {}
};

struct CustomField {
  FieldNo number;
  std::string key, name;
  FieldType type = FieldType::text;
  std::string description;
  bool required = false;
  Value default_value;
  std::vector<std::string> options;
  std::string visibility = "admin";  // admin, member, public
  bool member_editable = false;
  bool identifier = false;
  std::string data_attribute;  // of an identifier: where pages carry it, such as data-customer-id
  MemberNo creator;            // none: a key, an import or the command line
  TimeMs created_at = 0, updated_at = 0;
  std::optional<TimeMs> deleted_at;
  PublicId id() const { return PublicId::of(number.value, created_at); }
  bool is_seen_by_members() const { return visibility != "admin"; }
};

struct Slot {
  enum class Kind : std::uint8_t { currency, profile, role_set, tag_set, custom };
  Kind kind = Kind::custom;
  FieldNo field;              // all but currencies
  ledger::Currency currency;  // currencies
  std::string name;           // CSV column and display name
  ValueKind value_kind = ValueKind::text;
  std::size_t characters_max = 255;
  bool required = false;
  bool clearable = true;
  bool identifier = false;
  Value default_value;
  std::vector<std::string> options;
};

struct NamedNumber {
  std::int64_t number = 0;
  std::string name;
  bool administrator = false;  // roles: carries server_administrator
  bool powerful = false;       // roles: carries kick, ban, warn, suspend, broadcast or manage_*
  std::int64_t position = 0;
};

// Everything about a community's members that values are checked against, as of one transaction.
struct Catalogue {
  std::vector<ledger::Currency> currencies;
  std::vector<CustomField> fields;  // living ones, in their order
  std::vector<NamedNumber> roles;   // without @all
  std::vector<NamedNumber> tags;
};
Catalogue load_catalogue(sql::Tx& tx, CommunityNo community);
// The same for who may not need it: read when it is asked for the first time, in the transaction that must still run then.
class CatalogueOnDemand {
 public:
  CatalogueOnDemand(sql::Tx& tx, CommunityNo community) : tx_(tx), community_(community) {}
  Catalogue const& get() {
    if (!catalogue_) catalogue_ = load_catalogue(tx_, community_);
    return *catalogue_;
  }

 private:
  sql::Tx& tx_;
  CommunityNo community_;
  std::optional<Catalogue> catalogue_;
};

// The living custom field that a request names: by _id, else by key or name without case (user-data.md "Addressing").
CustomField const* find_custom_field(Catalogue const& catalogue, std::string_view text);

// The six profile fields, Role and Tag by their column names.
std::optional<Slot> default_slot(std::string_view column);
Slot slot_of(CustomField const& field);
Slot slot_of(ledger::Currency const& currency, std::string_view column);

struct ValueProblem {
  std::string code, message;
};
// Reads a value from text (a CSV cell, cleaned) into canonical form. `text` is not empty. Role and tag sets become the
// sorted numbers, joined by commas. Pure.
std::expected<Value, ValueProblem> read_value(Slot const& slot, std::string_view text, Catalogue const& catalogue);
// The names of a set (sorted numbers, joined by commas): the highest role first, tags in their order. What is not known any more
// is left out.
std::vector<std::string> names_in_set(std::string_view set, std::vector<NamedNumber> const& known);
// A JSON value as the text that read_value takes, in NFC: empty for null and for none; nothing for lists and objects. Exact
// numbers, exponents included.
std::optional<std::string> text_of_json(std::string const& json);
// A slot's value as JSON: number, true/false, string or null. Sets are names.
void write_value(std::string& out, Slot const& slot, ValueView value, Catalogue const& catalogue);

struct NewField {
  std::string name;  // 1 to 100 characters: the CSV column
  std::string key;   // derived from the name when empty
  std::string type;
  std::string description;
  bool required = false;
  std::string default_value;  // as text; empty = none
  std::vector<std::string> options;
  bool identifier = false;
  std::string data_attribute = {};
  std::string visibility = "admin";
  bool member_editable = false;
  MemberNo creator = {};
};
// Every problem of a definition by itself; whether its names are free only storage knows.
std::vector<Issue> definition_problems(NewField const& field);
// The definition of a field that is there, to be changed.
NewField definition_of(CustomField const& field);

// Defines fields, roles and tags. The HTTP operations come with the rooms that own them; until then the command line.
class FieldService {
 public:
  // `fields_max`: custom fields of one community.
  FieldService(sql::Database& database, NumberSource& numbers, int fields_max = Limits().custom_fields_max)
      : database_(database), numbers_(numbers), fields_max_(fields_max) {}
  Result<CustomField> create(CommunityNo community, NewField const& field, access::Actor const& actor, TimeMs now);
  // The same inside a transaction of the caller's.
  Result<CustomField> create_in(sql::Tx& tx, CommunityNo community, NewField const& field, access::Actor const& actor, TimeMs now);
  // A definition with everything in it. 409 where values that members hold would not fit it: type_in_use with their number, or
  // duplicate_values for a field that is to identify members. What is stored already changes nothing, updated_at neither.
  Result<CustomField> update(CommunityNo community, PublicId id, NewField const& field, access::Actor const& actor, TimeMs now);
  // 409 field_in_use with their names while segments refer to it.
  Result<CustomField> remove(CommunityNo community, PublicId id, access::Actor const& actor, TimeMs now);
  // From reads, headers and filters at once; values and histories stay, hidden, until they are purged (history_upkeep.h).
  Result<CustomField> remove(CommunityNo community, std::string_view key, access::Actor const& actor, TimeMs now);
  // A field that was deleted no longer ago than kFieldRestoreMs, with its values and its history. 409 where its key or name is
  // another field's by now, or there are too many.
  Result<CustomField> restore(CommunityNo community, PublicId id, access::Actor const& actor, TimeMs now);
  Result<NamedNumber> create_role(CommunityNo community, std::string const& title, access::Actor const& actor, TimeMs now);
  Result<NamedNumber> create_tag(CommunityNo community, std::string const& name, access::Actor const& actor, TimeMs now);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
  int fields_max_;
};

}  // namespace fealty::members
