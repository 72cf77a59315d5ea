#include "access/audit.h"
#include "api/json_writer.h"
#include "api/typed.h"
#include "base/text.h"
#include "mail/outbox.h"
#include "members/member_reference.h"
#include "members/new_member.h"
#include "members/newcomers.h"
#include "members/removal_store.h"
#include "members/states.h"
#include "members/users.h"
#include "members/users_create_store.h"
#include "sql/counters.h"

namespace fealty::members {
namespace {

constexpr std::string_view kMailLanguage = "en";  // a community has no language of its own yet

bool is_refused(std::vector<Issue> const& issues, std::string_view place) {
  return std::any_of(issues.begin(), issues.end(), [&](Issue const& i) { return i.field == place; });
}

// What the schema cannot say and storage need not be asked for.
constexpr std::string_view kActiveTemplate = "0";

void check_texts(CreateUserIn const& in, std::vector<Issue>& issues) {
  auto const note = [&](std::string place, std::string code, std::string message) {
    if (!is_refused(issues, place)) api::add_issue(issues, {std::move(place), std::move(code), std::move(message)});
  };
  for (auto const& [place, text] : {std::pair{"/firstname", &in.firstname}, {"/lastname", &in.lastname}, {"/displayname", &in.displayname}})
    if (trim_blanks(*text).empty()) note(place, "required", std::string(place).substr(1) + " must not be blank.");
  if (auto const rule = username_problem(in.username)) note("/username", "invalid_username", "This cannot be a username: " + *rule + ".");
  // Templates are the installation's, one for each kind of mail: there is none to choose by an id.
  if (auto const& wanted = in.emailTemplate; wanted && !wanted->empty() && *wanted != kActiveTemplate)
    note("/emailTemplate", "unknown_template", "There is no mail template \"" + *wanted + "\"; 0 is the active one.");
  if (in.password) {
    if (auto const rule = access::password_problem(*in.password, in.username, in.email)) note("/password", "weak_password", *rule);
    if (in.confirmPassword != in.password) note("/confirmPassword", "passwords_differ", "password and confirmPassword must be equal.");
  } else if (in.confirmPassword) {
    note("/password", "required", "confirmPassword needs password.");
  }
}

// A value for one slot of the new member.
struct Wanted {
  Slot slot;
  Value value;
  std::string place;
};

void want(Slot slot, std::optional<std::string> const& text, std::string place, Catalogue const& catalogue, std::vector<Wanted>& wanted,
          std::vector<Issue>& issues) {
  if (!text) {
    if (slot.required) api::add_issue(issues, {std::move(place), "required", slot.name + " is required."});
    return;
  }
  auto value = read_value(slot, *text, catalogue);
  if (!value)
    api::add_issue(issues, {std::move(place), "bad_value", std::move(value).error().message});
  else
    wanted.push_back({std::move(slot), *std::move(value), std::move(place)});
}

void want_custom_fields(CreateUserIn const& in, Catalogue const& catalogue, std::vector<Wanted>& wanted, std::vector<Issue>& issues) {
  std::vector<FieldNo> named;
  auto const take = [&](CustomField const& field, std::optional<std::string> const& text, std::string place, std::string named_at) {
    if (std::find(named.begin(), named.end(), field.number) != named.end()) {
      api::add_issue(issues, {std::move(named_at), "duplicate_field", field.name + " is given twice."});
      return;
    }
    named.push_back(field.number);
    want(slot_of(field), text, std::move(place), catalogue, wanted, issues);
  };
  for (std::size_t i = 0; in.customFields && i < in.customFields->size(); ++i) {
    auto const& given = (*in.customFields)[i];
    std::string const place = "/customFields/" + std::to_string(i), name_place = place + "/fieldIdorName";
    if (is_refused(issues, name_place) || is_refused(issues, place)) continue;
    auto const* const field = find_custom_field(catalogue, given.fieldIdorName);
    if (!field) {
      bool const is_default = default_slot(given.fieldIdorName).has_value();
      api::add_issue(issues, {name_place, is_default ? "default_field" : "unknown_field",
                              is_default ? given.fieldIdorName + " is no custom field; it has a member of its own in this request."
                                         : "There is no custom field \"" + given.fieldIdorName + "\"."});
      continue;
    }
    auto text = text_of_json(given.value.text);
    if (!text)
      api::add_issue(issues, {place + "/value", "bad_value", "A list or an object is no value of a field."});
    else
      take(*field, text->empty() ? std::nullopt : std::move(text), place + "/value", name_place);
  }
  if (!in.externalId) return;
  std::vector<CustomField const*> identifiers;
  for (auto const& field : catalogue.fields)
    if (field.identifier) identifiers.push_back(&field);
  if (identifiers.size() != 1)
    api::add_issue(issues, {"/externalId", "no_identifier_field",
                            identifiers.empty() ? "This community has no field that identifies members."
                                                : "This community has several fields that identify members; name one in customFields."});
  else
    take(*identifiers.front(), in.externalId, "/externalId", "/externalId");
}

std::string existing_json(MemberNo member, std::string_view username, MembershipState state) {
  api::JsonWriter w;
  w.begin_object().key("userId").string(std::to_string(member.value)).key("username").string(username);
  w.key("status").string(to_string(state)).end_object();
  return w.take();
}

std::unexpected<Error> conflict(ErrorDef const& def, std::string place, std::string message, std::optional<std::string> existing) {
  Error error{&def, message, {{std::move(place), std::string(def.code), std::move(message)}}};
  if (existing) error.details.push_back({"existing", DetailJson{*std::move(existing)}});
  return std::unexpected(std::move(error));
}

// The transaction that makes one user. May be run again from the start.
class Creation {
 public:
  Creation(sql::Tx& tx, NumberSource& numbers, api::Context const& context, CreateUserIn const& in, std::string const& password_hash,
           MemberNo fresh)
      : tx_(tx),
        numbers_(numbers),
        context_(context),
        community_(context.community),
        in_(in),
        password_hash_(password_hash),
        fresh_(fresh) {}

  // Everything that is wrong with the request's values.
  void check(std::vector<Issue>& issues);
  Result<CreateUserOut> run();

 private:
  Result<void> find_people();
  std::optional<std::string> existing(Account const& account);
  Result<void> write_membership();
  void queue_mails();
  void refer();

  sql::Tx& tx_;
  NumberSource& numbers_;
  api::Context const& context_;
  CommunityNo community_;
  CreateUserIn const& in_;
  std::string const& password_hash_;
  MemberNo fresh_;  // for an account that is to be made

  Catalogue catalogue_;
  std::vector<Wanted> wanted_;
  std::optional<Account> account_;  // that is there already
  bool returns_ = false;            // an erased member who comes back
  MemberNo member_;
  MembershipState state_ = MembershipState::active;
  CreateUserOut out_;
};

void Creation::check(std::vector<Issue>& issues) {
  catalogue_ = load_catalogue(tx_, community_);
  for (auto const& [column, place, text] : {std::tuple{"First Name", "/firstname", &in_.firstname},
                                            {"Last Name", "/lastname", &in_.lastname},
                                            {"Display Name", "/displayname", &in_.displayname}})
    if (!is_refused(issues, place)) want(*default_slot(column), std::string(trim_blanks(*text)), place, catalogue_, wanted_, issues);
  if (!is_refused(issues, "/accessLevel")) {
    if (auto const roles = starting_roles(tx_, community_, in_.accessLevel)) {
      if (!roles->empty()) {
        auto value = first_roles(*roles);
        wanted_.push_back({std::move(value.slot), std::move(value.value), "/accessLevel"});
      }
    } else {
      api::add_issue(issues, {"/accessLevel", "unknown_access_level", "There is no access level " + std::to_string(in_.accessLevel) + "."});
    }
  }
  want_custom_fields(in_, catalogue_, wanted_, issues);
}

// Only of people who are members here more than their existence is told.
std::optional<std::string> Creation::existing(Account const& account) {
  auto const standing = standing_of(tx_, community_, account.number);
  if (!standing || standing->is_erased) return std::nullopt;
  return existing_json(account.number, account.username, state_at(standing->state, standing->until, context_.now));
}

Result<void> Creation::find_people() {
  auto const email_key = fold_case(in_.email), username_key = fold_case(in_.username);
  std::optional<Account> by_username;
  find_accounts_by_email(tx_, {email_key}, [&](std::size_t, Account a) { account_ = std::move(a); });
  if (!account_) {
    find_accounts_by_username(tx_, {username_key}, [&](std::size_t, Account a) { by_username = std::move(a); });
    if (by_username) return conflict(errors::kUsernameTaken, "/username", "This username is in use.", existing(*by_username));
    // None was drawn when somebody else freed the e-mail or the username since we looked.
    member_ = fresh_ ? fresh_ : MemberNo{sql::draw_numbers(tx_, "account")};
    insert_accounts(tx_, {{member_, in_.email, email_key, in_.username, username_key}}, context_.now);
    forget_registration(tx_, email_key);
    out_.username = in_.username;
    out_.email = in_.email;
    out_._id = PublicId::of(member_.value, context_.now).to_string();
    if (!in_.joinServer) state_ = MembershipState::invited;
    return {};
  }
  member_ = account_->number;
  // It may have been taken back with the job that made it: then the transaction runs again, and makes it.
  if (lock_accounts(tx_, {member_}) == 0)
    throw sql::StorageError(sql::StorageError::Kind::constraint, "an account was removed after it had been looked up");
  auto const standing = standing_of(tx_, community_, member_);
  if (standing && standing->is_erased) {
    if (FormerStates(standing->former_states).top() == MembershipState::banned)
      return conflict(errors::kUserBanned, "/email", "This person is banned from the community. Lift the ban first.", std::nullopt);
    returns_ = true;
  } else if (standing && standing->state == MembershipState::deleted) {
    return conflict(errors::kUserDeleted, "/email", "This member was deleted; restore the member instead.", existing(*account_));
  } else if (standing) {
    return conflict(errors::kEmailTaken, "/email", "This e-mail belongs to a member of this community.", existing(*account_));
  }
  // An account keeps what is its own, and a claimed one joins on its holder's word alone.
  if (!in_.joinServer || account_->state != AccountState::unclaimed) state_ = MembershipState::invited;
  if (account_->username_key != username_key) out_.warnings.emplace_back("username_kept");
  out_.username = account_->username;
  out_.email = account_->email;
  out_._id = account_->id().to_string();
  return {};
}

Result<void> Creation::write_membership() {
  NewMember made{member_, state_, {}, returns_};
  for (auto const& w : wanted_) made.values.push_back({w.slot, w.value});
  auto const refused = begin_membership(tx_, numbers_, community_, catalogue_, made, access::actor_of(context_.principal), context_.now);
  if (refused.empty()) return {};
  std::vector<Issue> issues;
  ErrorDef const* def = nullptr;
  for (auto const& r : refused) {
    bool const taken = r.problem.code == "identifier_taken";
    if (taken) def = &errors::kExternalIdTaken;
    issues.push_back({wanted_[r.value].place, taken ? std::string(errors::kExternalIdTaken.code) : r.problem.code, r.problem.message});
  }
  if (!def) return std::unexpected(api::invalid_request(std::move(issues)));
  auto message = issues.front().message;
  return fail(*def, std::move(message), std::move(issues));
}

void Creation::refer() {
  if (!in_.referral || trim_blanks(*in_.referral).empty()) return;
  auto const account = std::move(find_referenced(tx_, community_, {{*in_.referral, {}, {}}}).front());
  bool const is_here = account && account->number != member_ && !members_of(tx_, community_, {account->number}).empty();
  if (is_here)
    set_referrer(tx_, community_, member_, account->number);
  else
    out_.warnings.emplace_back("unknown_referral");
}

void Creation::queue_mails() {
  bool const claimed = account_ && account_->state != AccountState::unclaimed;
  auto const queue = [&](std::string name) {
    api::JsonWriter w;
    w.begin_object().key("community").string(community_title(tx_, community_)).key("name").string(trim_blanks(in_.displayname));
    w.key("username").string(out_.username).end_object();
    mail::queue_mail(tx_, numbers_, {community_, member_, out_.email, std::move(name), std::string(kMailLanguage), w.take()}, context_.now);
  };
  if (in_.sendEmail.value_or(false)) queue(state_ == MembershipState::invited ? "invitation" : "claim");
  // The password itself never stands in a queue; a claimed account has one of its own.
  out_.emailPassword = in_.emailPassword.value_or(false) && !claimed ? "link" : "none";
  if (out_.emailPassword == "link") queue("set_password");
}

Result<CreateUserOut> Creation::run() {
  std::vector<Issue> issues;
  check(issues);
  if (!issues.empty()) return std::unexpected(problems_of(std::move(issues), {&errors::kNoIdentifierField, &errors::kUnknownField}));
  if (auto found = find_people(); !found) return std::unexpected(std::move(found).error());
  if (auto written = write_membership(); !written) return std::unexpected(std::move(written).error());
  if (!password_hash_.empty()) set_community_password(tx_, community_, member_, password_hash_, context_.now);
  refer();
  queue_mails();
  out_.userId = std::to_string(member_.value);
  out_.status = to_string(state_);
  api::JsonWriter detail;
  detail.begin_object().key("request_id").string(context_.request_id).key("status").string(out_.status);
  detail.key("account").string(account_ ? "known" : "made").end_object();
  access::write_audit(
      tx_, community_, numbers_.next(),
      {access::actor_of(context_.principal), "user.create", out_._id, detail.take(), context_.remote_address, context_.now});
  return std::move(out_);
}

}  // namespace

Error problems_of(std::vector<Issue> issues, std::initializer_list<ErrorDef const*> known) {
  ErrorDef const* def = nullptr;
  for (auto const* one : known)
    if (std::all_of(issues.begin(), issues.end(), [&](Issue const& i) { return i.code == one->code; })) def = one;
  Error error = api::invalid_request(std::move(issues));
  if (def) error.def = def;
  return error;
}

Result<api::Answer> UsersService::create(api::Context const& context, CreateUserIn const& in, std::vector<Issue> issues,
                                         std::optional<access::OnceKey> const& key) {
  check_texts(in, issues);
  if (!issues.empty()) {
    database_.read([&](sql::Tx& tx) { Creation(tx, numbers_, context, in, "", {}).check(issues); });
    return std::unexpected(problems_of(std::move(issues), {&errors::kNoIdentifierField, &errors::kUnknownField}));
  }
  // Before the transaction: hashing takes longer than any of it.
  std::string hash;
  if (in.password) {
    auto hashed = passwords_.hash(*in.password);
    if (!hashed) return std::unexpected(std::move(hashed).error());
    hash = *std::move(hashed);
  }
  // In a short transaction of its own: the counter's row must not stay locked while the rest is done. A number that is left over
  // is never used.
  MemberNo fresh;
  bool const is_known = database_.read([&](sql::Tx& tx) {
    bool found = false;
    find_accounts_by_email(tx, {fold_case(in.email)}, [&](std::size_t, Account const&) { found = true; });
    find_accounts_by_username(tx, {fold_case(in.username)}, [&](std::size_t, Account const&) { found = true; });
    return found;
  });
  if (!is_known) fresh = {database_.write([](sql::Tx& tx) { return sql::draw_numbers(tx, "account"); })};
  return access::once(database_, context.community, key, context.now, [&](sql::Tx& tx) -> Result<api::Answer> {
    auto made = Creation(tx, numbers_, context, in, hash, fresh).run();
    if (!made) return std::unexpected(std::move(made).error());
    return api::Answer{.message = "User created successfully", .data = api::to_json(*made)};
  });
}

}  // namespace fealty::members
