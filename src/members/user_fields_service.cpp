#include <algorithm>

#include "access/audit.h"
#include "access/written_once.h"
#include "api/json_writer.h"
#include "base/text.h"
#include "members/catalogue_store.h"
#include "members/default_fields.h"
#include "members/history_removal_store.h"
#include "members/history_upkeep.h"
#include "members/member_store.h"
#include "members/user_fields.h"
#include "members/users_store.h"

namespace fealty::members {
namespace {

UserFieldOut shown_default(api::Context const& context, std::size_t index) {
  auto const& field = default_fields()[index];
  auto const id = default_field_id(context.principal.community_id, index);
  std::string const made = to_iso(static_cast<TimeMs>(id.seconds) * 1000);
  UserFieldOut out;
  out._id = id.to_string();
  out.field = field.key;
  out.name = field.name;
  out.type = field.type;
  out.defaultValue.text = "null";
  out.visibility = "admin";
  out.isCustom = false;
  out.communityId = context.principal.community_id.to_string();
  out.createdAt = out.updatedAt = made;
  return out;
}

// What the body says of the definition, over what is there. `issues` tells what its shape alone makes wrong.
void read_body(CreateUserFieldIn const& in, NewField& out, std::vector<Issue>& issues) {
  out.name = in.name;
  out.type = in.type;
  if (in.description) out.description = *in.description;
  if (in.required) out.required = *in.required;
  if (in.options) out.options = *in.options;
  if (in.visibility) out.visibility = *in.visibility;
  if (in.memberEditable) out.member_editable = *in.memberEditable;
  if (!in.defaultValue.text.empty()) {
    if (auto text = text_of_json(in.defaultValue.text))
      out.default_value = *std::move(text);
    else
      issues.push_back({"/defaultValue", "bad_value", "A default value is a text, a number, true, false or null."});
  }
  if (in.identifier.text.empty()) return;
  if (in.identifier.text == "null") {
    out.identifier = false;
    return;
  }
  FieldIdentifier identifier;
  if (std::vector<Issue> inner; api::from_json(in.identifier.text, identifier, inner)) {
    out.identifier = identifier.enabled;
    out.data_attribute = identifier.dataAttribute.value_or("");
  } else {
    issues.push_back({"/identifier", "bad_value", "identifier is null or {\"enabled\": true or false, \"dataAttribute\": text}."});
  }
}

// Places in the body begin with a slash.
Error as_request_error(Error error) {
  for (auto& issue : error.issues)
    if (!issue.field.empty() && issue.field.front() != '/') issue.field.insert(0, "/");
  return error;
}

Error no_such_field() { return {&errors::kFieldNotFound, "There is no such field in this community."}; }

// ---- The list's query

using Member = std::string UserFieldOut::*;

std::optional<std::vector<std::string>> asked_members(std::optional<std::string> const& fields, std::vector<Issue>& issues) {
  if (!fields) return std::nullopt;
  std::vector<std::string> names;
  for (auto const part : split(*fields, ',')) {
    auto const name = trim_space(part);
    bool const known = std::ranges::any_of(api::Schema<UserFieldOut>::def.fields, [&](api::FieldDef const& f) { return f.name == name; });
    if (known)
      names.emplace_back(name);
    else
      issues.push_back({"fields", "unknown_field", "There is no member \"" + std::string(name) + "\" in a field."});
  }
  return names;
}

void sort_by(std::vector<UserFieldOut>& fields, std::string_view sort, std::vector<Issue>& issues) {
  auto const colon = sort.find(':');
  auto const name = sort.substr(0, colon);
  auto const direction = colon == std::string_view::npos ? std::string_view("asc") : sort.substr(colon + 1);
  Member const member = name == "name" ? &UserFieldOut::name : name == "field" ? &UserFieldOut::field : &UserFieldOut::createdAt;
  if ((name != "createdAt" && name != "name" && name != "field") || (direction != "asc" && direction != "desc")) {
    issues.push_back({"sort", "bad_value", "sort is createdAt, name or field, with :asc or :desc; found \"" + std::string(sort) + "\"."});
    return;
  }
  // Ids rise in the order of the list, and settle what is equal.
  std::ranges::sort(fields, [&](UserFieldOut const& a, UserFieldOut const& b) {
    if (a.*member != b.*member) return direction == "asc" ? a.*member < b.*member : b.*member < a.*member;
    return a._id < b._id;
  });
}

}  // namespace

UserFieldOut UserFieldsService::shown(sql::Tx& tx, api::Context const& context, CustomField const& f) const {
  UserFieldOut out;
  out._id = f.id().to_string();
  out.field = f.key;
  out.name = f.name;
  out.type = to_string(f.type);
  out.description = f.description;
  out.required = f.required;
  write_value(out.defaultValue.text, slot_of(f), f.default_value, {});
  out.options = f.options;
  out.visibility = f.visibility;
  out.memberEditable = f.member_editable;
  if (f.identifier) out.identifier = FieldIdentifier{true, f.data_attribute.empty() ? std::nullopt : std::optional(f.data_attribute)};
  if (f.creator) {
    std::optional<UserRow> row;
    load_user_later(tx, context.community, f.creator, row);
    tx.settle();
    find_accounts_by_number(tx, {f.creator}, [&](std::size_t, Account const& a) {
      out.creator = FieldCreator{a.id().to_string(), a.number.value, row ? row->avatar : std::nullopt,
                                 row ? row->display_name : std::nullopt, a.username};
    });
  }
  out.communityId = context.principal.community_id.to_string();
  out.createdAt = to_iso(f.created_at);
  out.updatedAt = to_iso(f.updated_at);
  return out;
}

std::vector<UserFieldOut> UserFieldsService::all(sql::Tx& tx, api::Context const& context) const {
  std::vector<UserFieldOut> out;
  for (std::size_t i = 0; i < listed_default_fields(); ++i) out.push_back(shown_default(context, i));
  for (auto const& f : load_catalogue(tx, context.community).fields) out.push_back(shown(tx, context, f));
  return out;
}

Result<api::Listing<api::Json>> UserFieldsService::list(api::Context const& context, UserFieldsQuery const& query) {
  std::vector<Issue> issues;
  auto fields = database_.read([&](sql::Tx& tx) { return all(tx, context); });
  auto const asked = asked_members(query.fields, issues);
  sort_by(fields, query.sort ? std::string_view(*query.sort) : "createdAt:asc", issues);
  if (query.type) std::erase_if(fields, [&](UserFieldOut const& f) { return f.isCustom != (*query.type == "custom"); });
  if (query.filter) {
    constexpr std::string_view kVisibility = "visibility:";
    auto const wanted = query.filter->starts_with(kVisibility) ? query.filter->substr(kVisibility.size()) : "";
    if (std::ranges::find(kFieldVisibilities, wanted) == std::end(kFieldVisibilities))
      issues.push_back({"filter", "bad_value", "filter is visibility:admin, visibility:member or visibility:public."});
    std::erase_if(fields, [&](UserFieldOut const& f) { return f.visibility != wanted; });
  }
  if (query.search) {
    constexpr std::string_view kKeyword = "keyword:";
    if (!query.search->starts_with(kKeyword)) issues.push_back({"search", "bad_value", "search is keyword: and the text to look for."});
    auto const text = fold_case(query.search->starts_with(kKeyword) ? query.search->substr(kKeyword.size()) : "");
    std::erase_if(fields, [&](UserFieldOut const& f) { return !fold_case(f.name).contains(text) && !fold_case(f.field).contains(text); });
  }
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));

  api::Listing<api::Json> out;
  out.page = api::Page::of(static_cast<std::int64_t>(fields.size()), query.page, query.limit);
  auto const first = std::min(fields.size(), static_cast<std::size_t>((query.page - 1) * query.limit));
  auto const last = std::min(fields.size(), first + static_cast<std::size_t>(query.limit));
  for (std::size_t i = first; i < last; ++i) out.items.push_back({asked ? api::to_json(fields[i], *asked) : api::to_json(fields[i])});
  return out;
}

Result<UserFieldOut> UserFieldsService::get(api::Context const& context, PublicId id) {
  return database_.read([&](sql::Tx& tx) -> Result<UserFieldOut> {
    if (auto const index = find_default_field(context.principal.community_id, id)) return shown_default(context, *index);
    auto const field = find_field(tx, context.community, id);
    if (!field) return std::unexpected(no_such_field());
    return shown(tx, context, *field);
  });
}

Result<api::Answer> UserFieldsService::create(api::Context const& context, CreateUserFieldIn const& in,
                                              std::optional<access::OnceKey> const& key) {
  NewField field;
  std::vector<Issue> issues;
  read_body(in, field, issues);
  field.key = in.field.value_or("");
  field.creator = context.principal.kind == api::PrincipalKind::user ? context.principal.account : MemberNo{};
  if (!issues.empty()) {
    // What else is wrong is told together with it.
    field.default_value.clear();
    if (auto problems = definition_problems(field); !problems.empty()) issues.insert(issues.end(), problems.begin(), problems.end());
    return std::unexpected(as_request_error(api::invalid_request(std::move(issues))));
  }
  return access::once_as<UserFieldOut>(
      201, "Create user field successful", database_, context, key, [&](sql::Tx& tx) -> Result<UserFieldOut> {
        auto made = fields_.create_in(tx, context.community, field, access::actor_of(context.principal), context.now);
        if (!made) return std::unexpected(as_request_error(std::move(made).error()));
        return shown(tx, context, *made);
      });
}

Result<UserFieldOut> UserFieldsService::update(api::Context const& context, PublicId id, CreateUserFieldIn const& in) {
  if (find_default_field(context.principal.community_id, id))
    return fail(errors::kDefaultField, "This field is kept by the system; its definition cannot be changed.");
  auto const before = database_.read([&](sql::Tx& tx) { return find_field(tx, context.community, id); });
  if (!before) return std::unexpected(no_such_field());
  NewField field = definition_of(*before);
  // A select that becomes another type has no options, unless the body says so.
  if (in.type != "select" && !in.options) field.options.clear();
  std::vector<Issue> issues;
  read_body(in, field, issues);
  if (in.field && to_nfc(trim_space(*in.field)) != before->key)
    issues.push_back(
        {"/field", std::string(errors::kKeyIsFixed.code), "The key of a field never changes; this one's is \"" + before->key + "\"."});
  if (!issues.empty()) {
    auto problems = definition_problems(field);
    bool const fixed_alone = problems.empty() && issues.size() == 1 && issues.front().code == errors::kKeyIsFixed.code;
    issues.insert(issues.end(), problems.begin(), problems.end());
    auto error = as_request_error(api::invalid_request(std::move(issues)));
    if (fixed_alone) error.def = &errors::kKeyIsFixed;
    return std::unexpected(std::move(error));
  }
  auto changed = fields_.update(context.community, id, field, access::actor_of(context.principal), context.now);
  if (!changed) return std::unexpected(as_request_error(std::move(changed).error()));
  return database_.read([&](sql::Tx& tx) { return shown(tx, context, *changed); });
}

Result<DeletedUserField> UserFieldsService::remove(api::Context const& context, PublicId id) {
  if (find_default_field(context.principal.community_id, id))
    return fail(errors::kDefaultField, "This field is kept by the system; it cannot be deleted.");
  auto const removed = fields_.remove(context.community, id, access::actor_of(context.principal), context.now);
  if (!removed) return std::unexpected(removed.error());
  return DeletedUserField{id.to_string()};
}

Result<UserFieldOut> UserFieldsService::restore(api::Context const& context, PublicId id) {
  auto const restored = fields_.restore(context.community, id, access::actor_of(context.principal), context.now);
  if (!restored) return std::unexpected(restored.error());
  return database_.read([&](sql::Tx& tx) { return shown(tx, context, *restored); });
}

Result<UserFieldSettings> UserFieldsService::settings(api::Context const& context) {
  return database_.read([&](sql::Tx& tx) { return UserFieldSettings{retention_days(tx, context.community)}; });
}

Result<UserFieldSettings> UserFieldsService::change_settings(api::Context const& context, ChangeUserFieldSettings const& in) {
  auto const days = in.historyRetentionDays;
  if (days != 0 && days < kHistoryRetentionDaysMin)
    return std::unexpected(api::invalid_request({{"/historyRetentionDays",
                                                  "out_of_range",
                                                  "Histories are kept for 7 to 3,650 days, or for ever (0).",
                                                  {},
                                                  {},
                                                  {},
                                                  kHistoryRetentionDaysMin}}));
  return database_.write([&](sql::Tx& tx) -> Result<UserFieldSettings> {
    auto const before = lock_retention(tx, context.community).days;
    if (before == days) return UserFieldSettings{days};
    bool const is_shorter = days != 0 && (before == 0 || days < before);
    if (is_shorter && !in.confirm.value_or(false))
      return fail(errors::kConfirmationRequired,
                  "Items that are older than " + std::to_string(days) + " days will be removed for good in the next night. Send " +
                      "\"confirm\": true if this is meant.",
                  {{"/confirm", std::string(errors::kConfirmationRequired.code), "confirm must be true."}});
    set_retention_days(tx, context.community, days);
    api::JsonWriter w;
    w.begin_object().key("request_id").string(context.request_id).key("historyRetentionDays").integer(days);
    w.key("before").integer(before).end_object();
    access::write_audit(tx, context.community, numbers_.next(),
                        {access::actor_of(context.principal), "field.settings", context.principal.community_id.to_string(), w.take(),
                         context.remote_address, context.now});
    return UserFieldSettings{days};
  });
}

}  // namespace fealty::members
