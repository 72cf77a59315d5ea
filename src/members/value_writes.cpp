#include <set>

#include "access/audit.h"
#include "api/json_writer.h"
#include "base/text.h"
#include "members/default_fields.h"
#include "members/histories.h"
#include "members/history_items.h"
#include "members/member_changes.h"
#include "members/member_reference.h"
#include "members/users.h"

namespace fealty::members {
namespace {

using ledger::Operator;

// One value as a request names it; `place` is where it stands there.
struct Wanted {
  CustomField const* field = nullptr;
  Operator op = Operator::overwrite;
  std::string json, place;
};

// The slot of a request: numbers can be cleared, too, which in a file would be a slip.
Slot clearable_slot(CustomField const& field) {
  Slot slot = slot_of(field);
  slot.clearable = true;
  return slot;
}

// A JSON value in canonical form: null, and an empty text where texts are kept, is none.
std::expected<Value, ValueProblem> read_json(Slot const& slot, std::string const& json, Catalogue const& catalogue) {
  if (json == "null") return Value::none();
  auto const text = text_of_json(json);
  if (!text) return std::unexpected(ValueProblem{"bad_value", "A list or an object is no value of a field."});
  if (text->empty()) {
    if (slot.value_kind == ValueKind::text || slot.value_kind == ValueKind::multi_line) return Value::none();
    return std::unexpected(ValueProblem{"bad_value", "An empty text is no value of " + slot.name + "; null clears it."});
  }
  auto value = read_value(slot, *text, catalogue);
  if (!value) value.error().code = "bad_value";
  return value;
}

// The transaction that sets values of one member. May be run again from the start.
class ValueWrite {
 public:
  ValueWrite(sql::Tx& tx, NumberSource& numbers, api::Context const& context) : tx_(tx), numbers_(numbers), context_(context) {}

  // The member, locked; the definitions hold until the transaction ends.
  Result<void> begin(std::string const& user) {
    auto account = find_user(tx_, context_.community, user);
    auto others = may_touch_others(context_.principal);
    // Who may write his own values alone learns nothing of others, not even whether they are there.
    if (!others && (!account || account->number != context_.principal.account)) return std::unexpected(std::move(others).error());
    own_alone = !others;
    if (!account) return std::unexpected(std::move(account).error());
    account_ = *std::move(account);
    ledger::lock_ranges_later(tx_, context_.community, {account_.number}, ledger::RangeLock::shared);
    catalogue = load_catalogue(tx_, context_.community);
    return {};
  }
  // Evaluates all values; what is wrong with them is noted.
  Result<void> evaluate(std::vector<Wanted> const& wanted, std::vector<Issue>& issues) {
    std::vector<Slot> slots;
    for (auto const& w : wanted) slots.push_back(clearable_slot(*w.field));
    changes_.emplace(context_.community, catalogue, std::move(slots));
    changes_->load(tx_, {account_.number});
    auto const& person = changes_->person(0);
    // He may have gone between the two looks.
    if (!person.is_member || person.state == MembershipState::deleted || person.state == MembershipState::invited)
      return std::unexpected(no_such_member());
    for (std::size_t s = 0; s < wanted.size(); ++s) {
      if (auto problem = evaluate_one(wanted[s], s)) issues.push_back({wanted[s].place, problem->code, std::move(problem->message)});
    }
    return {};
  }
  // Keeps the changes with their items; their number.
  std::int64_t write(std::string const& reason, std::string const& note, std::string const& action) {
    if (!changes_->commit_row(row_)) return 0;
    auto const actor = access::actor_of(context_.principal);
    SourceNo const source{numbers_.next()};
    // Nobody sends this change twice under one name: its own number is its external id.
    ledger::create_source(tx_, context_.community, source,
                          {.kind = actor.type,
                           .external_id = "auto:" + std::to_string(source.value),
                           .reason = reason,
                           .actor = actor,
                           .note = note,
                           .history_items = changes_->history_items()},
                          context_.now);
    drawn_ = changes_->write(tx_, source, numbers_, 1);
    write_trail(actor, action);
    return changes_->history_items();
  }

  Account const& account() const { return account_; }
  SlotState const& state(std::size_t slot) { return changes_->state(0, slot); }
  Slot const& slot(std::size_t slot) const { return changes_->slots()[slot]; }
  HistoryNo item(std::size_t slot) const { return {changes_->number_of(drawn_, 0, slot)}; }
  bool changed(std::size_t slot) const {
    return std::any_of(changes_->changes().begin(), changes_->changes().end(), [&](SlotChange const& c) { return c.slot == slot; });
  }

  Catalogue catalogue;
  bool own_alone = false;  // no more than a member may do for himself

 private:
  std::optional<ValueProblem> evaluate_one(Wanted const& w, std::size_t s) {
    Slot const& slot = changes_->slots()[s];
    auto const operand = read_json(slot, w.json, catalogue);
    bool const is_relative = w.op != Operator::overwrite;
    if (is_relative && slot.value_kind != ValueKind::decimal)
      return ValueProblem{"op_not_numeric", slot.name + " is no number; its value can be overwritten alone."};
    if (!operand) return operand.error();
    if (is_relative && !operand->present) return ValueProblem{"bad_value", "There must be a number to add or subtract."};
    auto change = changes_->evaluate({0, 0}, 0, s, w.op, *operand, {}, {});
    if (change) {
      row_.push_back(*std::move(change));
      return std::nullopt;
    }
    auto problem = std::move(change).error();
    if (problem.code == "value_required")
      problem.code = "required";
    else if (problem.code != "identifier_taken")
      problem.code = "bad_value";
    return problem;
  }

  void write_trail(access::Actor const& actor, std::string const& action) {
    api::JsonWriter w;
    w.begin_object().key("request_id").string(context_.request_id).key("fields").begin_array();
    for (auto const& c : changes_->changes()) {
      auto const& field = changes_->slots()[c.slot].field;
      auto const known = std::find_if(catalogue.fields.begin(), catalogue.fields.end(), [&](auto const& f) { return f.number == field; });
      w.string(known->id().to_string());
    }
    w.end_array().end_object();
    access::write_audit(tx_, context_.community, numbers_.next(),
                        {actor, action, account_.id().to_string(), w.take(), context_.remote_address, context_.now});
  }

  sql::Tx& tx_;
  NumberSource& numbers_;
  api::Context const& context_;
  Account account_;
  std::optional<MemberChanges> changes_;
  std::vector<SlotChange> row_;
  jobs::NumbersDrawn drawn_;
};

Operator op_of(std::optional<std::string> const& text) {
  return text ? ledger::parse_operator(*text).value_or(Operator::overwrite) : Operator::overwrite;
}

// The definitions that the request names, each once.
std::vector<Wanted> read_wanted(api::Context const& context, SetValuesIn const& in, Catalogue const& catalogue, bool own_alone,
                                std::vector<Issue>& issues) {
  std::vector<Wanted> out;
  std::set<FieldNo> named;
  for (std::size_t i = 0; i < in.customFields.size(); ++i) {
    auto const& given = in.customFields[i];
    std::string const place = "/customFields/" + std::to_string(i), name_place = place + "/fieldIdorName";
    auto const* field = find_custom_field(catalogue, given.fieldIdorName);
    bool const is_fixed = field && own_alone && !field->member_editable;
    // What he neither sees nor edits is nothing to him.
    if (is_fixed && !field->is_seen_by_members()) field = nullptr;
    if (!field) {
      bool const is_default = find_default_field(context.principal.community_id, given.fieldIdorName).has_value();
      issues.push_back({name_place, is_default ? "default_field" : "unknown_field",
                        is_default ? given.fieldIdorName + " is kept by the system; it is not changed here."
                                   : "There is no custom field \"" + given.fieldIdorName + "\"."});
    } else if (!named.insert(field->number).second) {
      issues.push_back({name_place, "duplicate_field", field->name + " is named twice."});
    } else if (is_fixed) {
      issues.push_back({name_place, std::string(errors::kFieldNotEditable.code), field->name + " is not changed by members themselves."});
    } else {
      out.push_back({field, op_of(given.op), given.value.text, place + "/value"});
    }
  }
  return out;
}

// What is wrong with values, told with the code that all of it has.
Error refused(std::vector<Issue> issues) {
  return problems_of(std::move(issues), {&errors::kUnknownField, &errors::kDefaultFieldValue, &errors::kBadValue, &errors::kValueRequired,
                                         &errors::kOpNotNumeric, &errors::kIdentifierTaken, &errors::kFieldNotEditable});
}

}  // namespace

Result<api::Answer> HistoriesService::set(api::Context const& context, std::string const& user, SetValuesIn const& in,
                                          std::optional<access::OnceKey> const& key) {
  return access::once(database_, context.community, key, context.now, [&](sql::Tx& tx) -> Result<api::Answer> {
    ValueWrite write(tx, numbers_, context);
    if (auto begun = write.begin(user); !begun) return std::unexpected(std::move(begun).error());
    std::vector<Issue> issues;
    auto const wanted = read_wanted(context, in, write.catalogue, write.own_alone, issues);
    if (auto evaluated = write.evaluate(wanted, issues); !evaluated) return std::unexpected(std::move(evaluated).error());
    if (!issues.empty()) return std::unexpected(refused(std::move(issues)));
    write.write(in.reason.value_or(""), "", "user.fields");

    SetValuesOut out{std::to_string(write.account().number.value), {"{"}, {}};
    for (std::size_t s = 0; s < wanted.size(); ++s) {
      if (write.changed(s)) out.changed.push_back(wanted[s].field->key);
      if (write.own_alone && !wanted[s].field->is_seen_by_members()) continue;
      auto& json = out.customFields.text;
      if (json.size() > 1) json += ',';
      api::write_json_string(json, wanted[s].field->key);
      json += ':';
      write_value(json, write.slot(s), write.state(s).value, write.catalogue);
    }
    out.customFields.text += '}';
    return api::Answer{.message = "Update user field values successful", .data = api::to_json(out)};
  });
}

Result<api::Answer> HistoriesService::create(api::Context const& context, std::string const& user, CreateHistoryIn const& in,
                                             std::optional<access::OnceKey> const& key) {
  if (in.fieldId.has_value() == in.field.has_value())
    return std::unexpected(api::invalid_request({{"/fieldId", "required", "Name the field by fieldId or by field, one of the two."}}));
  return access::once(database_, context.community, key, context.now, [&](sql::Tx& tx) -> Result<api::Answer> {
    ValueWrite write(tx, numbers_, context);
    if (auto begun = write.begin(user); !begun) return std::unexpected(std::move(begun).error());
    auto const& text = in.fieldId ? *in.fieldId : *in.field;
    auto const& fields = write.catalogue.fields;
    auto const field = std::find_if(fields.begin(), fields.end(), [&](CustomField const& f) {
      return in.fieldId ? f.id().to_string() == text : fold_case(f.key) == fold_case(text);
    });
    if (field == fields.end()) {
      if (find_default_field(context.principal.community_id, text))
        return fail(errors::kDefaultField, "This field is kept by the system; it is not changed here.");
      return fail(errors::kFieldNotFound, "There is no such field in this community.");
    }
    std::vector<Issue> issues;
    if (auto evaluated = write.evaluate({{&*field, op_of(in.op), in.value.text, "/value"}}, issues); !evaluated)
      return std::unexpected(std::move(evaluated).error());
    auto const before = write.state(0);
    if (!in.previousValue.text.empty()) {
      auto const expected = read_json(write.slot(0), in.previousValue.text, write.catalogue);
      if (!expected) {
        issues.push_back({"/previousValue", expected.error().code, expected.error().message});
      } else if (issues.empty() && *expected != before.value) {
        std::string shown;
        write_value(shown, write.slot(0), before.value, write.catalogue);
        Error error{&errors::kValueChanged, "The present value is another one; nothing was changed."};
        error.details.push_back({"current", DetailJson{std::move(shown)}});
        return std::unexpected(std::move(error));
      }
    }
    if (!issues.empty()) return std::unexpected(refused(std::move(issues)));

    bool const changed = write.write("", in.note.value_or(""), "user.field") > 0;
    auto const newest = changed ? write.item(0) : HistoryNo{before.newest};
    auto const item = newest ? find_item(tx, context.community, newest) : std::nullopt;
    std::string data = "null";
    if (item) {
      PeopleShown people(tx, context.community);
      data = api::to_json(show_items(tx, context, write.catalogue, {*item}, people).at(0));
    }
    return api::Answer{.status = changed ? 201 : 200,
                       .message = changed ? "Create user field history successful" : "User field value unchanged",
                       .data = std::move(data)};
  });
}

}  // namespace fealty::members
