#include <set>

#include "access/audit.h"
#include "access/idempotency.h"
#include "api/json_writer.h"
#include "base/hash.h"
#include "base/time.h"
#include "members/balances.h"
#include "members/balances_api.h"
#include "members/member_reference.h"

namespace fealty::members {
namespace {

using ledger::ChangeResult;
using ledger::SetOutcome;
using sql::StorageError;

constexpr std::string_view kOperation = "/users/balances/adjust";
// Changes of one round: bounds how long the first of them waits for the work of the others.
constexpr std::size_t kRoundChangesMax = 512;
// A round whose Idempotency-Keys were used in between is run again, and finds their answers then.
constexpr int kRoundAttemptsMax = 5;

// Another request with one of the round's Idempotency-Keys was committed after we looked.
struct KeysTaken {};

// Which part of an item is to blame.
std::string_view part_of(std::string_view code) {
  if (code == ledger::errors::kInsufficientBalance.code || code == ledger::errors::kBalanceLimit.code ||
      code == ledger::errors::kNegativeValue.code || code == ledger::errors::kAmountOutOfRange.code)
    return "/amount";
  if (code == ledger::errors::kCurrencyDisabled.code || code == ledger::errors::kCurrencyNotFound.code) return "/currency";
  if (code == ledger::errors::kSourceReused.code) return "/sourceId";
  if (code == errors::kNotAnIdentifier.code) return "/field_name";
  return "/identifier";
}

// One error of all problems: code and status are those of the first.
Error error_of(std::vector<ledger::ChangeProblem> problems, bool is_list) {
  Error error = problems.front().error;
  if (is_list) error.message = "Item " + std::to_string(problems.front().change) + ": " + error.message + " Nothing was changed.";
  for (auto& p : problems) {
    std::string place = is_list ? "/items/" + std::to_string(p.change) : "";
    Issue issue{place.append(part_of(p.error.code())), std::string(p.error.code()), std::move(p.error.message)};
    issue.details = std::move(p.error.details);
    error.issues.push_back(std::move(issue));
  }
  return error;
}

Error overloaded() {
  Error error{&fealty::errors::kOverloaded, "The server is overloaded. Try again in a moment."};
  error.retry_after_s = 1;
  return error;
}

}  // namespace

// One request on its way.
struct BalancesService::Task {
  api::Context const& context;
  Adjust in;
  BalancesService::Adjusted done;
  std::string fingerprint = {};
  std::vector<ledger::Change> changes = {};  // members are filled in by each round
  std::vector<Account> accounts = {};
  std::map<std::size_t, Error> nobody = {};  // items whose reference names no account

  enum class End : std::uint8_t { open, answered, busy, later, alone, thrown };
  End end = End::open;
  std::vector<ChangeResult> results = {};
  std::optional<Result<std::string>> answer = {};  // answered: none means that the results have to be told
  std::exception_ptr exception = {};               // thrown

  std::size_t weight() const { return changes.size(); }
  bool has_key() const { return in.idempotency_key.has_value(); }
  access::AnswerKey answer_key() const { return {context.principal.key_prefix, *in.idempotency_key}; }
  std::string tell() const;
  void close(Result<std::string> with) {
    answer = std::move(with);
    end = End::answered;
  }
};

// The transaction of one round. May be run again from the start.
class BalancesService::Round {
 public:
  Round(BalancesService& service, sql::Tx& tx, CommunityNo community, std::span<std::unique_ptr<Task>> tasks, Lane lane)
      : service_(service), tx_(tx), community_(community), tasks_(tasks), lane_(lane) {}
  void run();

 private:
  void replay();
  void resolve();
  void apply();
  void keep();
  void add_audit(Task const& task);

  BalancesService& service_;
  sql::Tx& tx_;
  CommunityNo community_;
  std::span<std::unique_ptr<Task>> tasks_;
  Lane lane_;
  TimeMs now_ = 0;
  std::vector<access::NumberedAudit> audit_;
  std::vector<Task*> to_keep_;
};

void BalancesService::Round::run() {
  for (auto const& t : tasks_) {
    t->end = Task::End::open;
    t->answer.reset();
    now_ = std::max(now_, t->context.now);
  }
  replay();
  resolve();
  apply();
  keep();
}

void BalancesService::Round::replay() {
  std::vector<access::AnswerKey> keys;
  std::vector<Task*> keyed;
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (auto const& t : tasks_) {
    if (!t->has_key()) continue;
    auto const key = t->answer_key();
    if (!seen.emplace(key.principal, key.key).second) {
      t->end = Task::End::later;  // the first of this round with the key decides
      continue;
    }
    keys.push_back(key);
    keyed.push_back(t.get());
  }
  access::find_answers(tx_, community_, keys, now_, [&](std::size_t i, access::KeptAnswer kept) {
    Task& t = *keyed[i];
    if (kept.operation == kOperation && kept.fingerprint == t.fingerprint)
      t.close(std::move(kept.answer));
    else
      t.close(fail(fealty::errors::kIdempotencyKeyReused,
                   "This Idempotency-Key was used for another request; take a new key for a new request."));
  });
}

void BalancesService::Round::resolve() {
  std::vector<MemberReference> references;
  for (auto const& t : tasks_) {
    if (t->end != Task::End::open) continue;
    for (auto const& item : t->in.items)
      references.push_back({item.identifier, item.identifier_type ? *item.identifier_type : std::string_view(),
                            item.field_name ? *item.field_name : std::string_view()});
  }
  auto found = find_referenced(tx_, community_, references);
  std::size_t at = 0;
  for (auto const& t : tasks_) {
    if (t->end != Task::End::open) continue;
    t->accounts.clear();
    t->nobody.clear();
    for (std::size_t i = 0; i < t->in.items.size(); ++i) {
      auto& account = found[at++];
      if (account) {
        t->changes[i].member = account->number;
        t->accounts.push_back(*std::move(account));
      } else {
        t->changes[i].member = {};
        t->accounts.emplace_back();
        t->nobody.emplace(i, std::move(account).error());
      }
    }
  }
}

void BalancesService::Round::apply() {
  std::vector<Task*> open;
  std::vector<ledger::ChangeSet> sets;
  for (auto const& t : tasks_) {
    if (t->end != Task::End::open) continue;
    open.push_back(t.get());
    sets.emplace_back(t->changes);
  }
  // SQLite has one writer: nothing is ever locked there.
  bool const skip = lane_ == Lane::quick && tx_.engine() == sql::Engine::postgres;
  auto outcomes = service_.ledger_.apply_in(tx_, community_, sets, now_, skip ? ledger::Locked::skip : ledger::Locked::wait);
  for (std::size_t i = 0; i < open.size(); ++i) {
    Task& t = *open[i];
    switch (outcomes[i].state) {
      case SetOutcome::State::busy: t.end = Task::End::busy; break;
      case SetOutcome::State::refused:
        // The reference's own words where there are some: that it is ambiguous, for instance.
        for (auto& p : outcomes[i].problems)
          if (auto const known = t.nobody.find(p.change); known != t.nobody.end()) p.error = known->second;
        t.close(std::unexpected(error_of(std::move(outcomes[i].problems), t.in.is_list)));
        break;
      case SetOutcome::State::applied:
        t.results = std::move(outcomes[i].results);
        t.end = Task::End::answered;
        add_audit(t);
        if (t.has_key()) to_keep_.push_back(&t);
        break;
    }
  }
}

void BalancesService::Round::keep() {
  access::write_audits(tx_, community_, audit_);
  std::vector<access::NewAnswer> answers;
  for (Task* t : to_keep_) {
    t->answer = t->tell();
    answers.push_back({t->answer_key(), kOperation, t->fingerprint, **t->answer});
  }
  if (!access::keep_new_answers(tx_, community_, std::move(answers), now_)) throw KeysTaken{};
}

std::string BalancesService::Task::tell() const {
  AdjustedList list;
  for (std::size_t i = 0; i < results.size(); ++i) {
    auto const& r = results[i];
    auto const& change = changes[i];
    members::Adjusted out{std::nullopt, r.balance, r.duplicate};
    if (r.entry) {
      auto const optional = [](std::string const& text) { return text.empty() ? std::nullopt : std::optional(text); };
      auto const& account = accounts[i];
      auto const& actor = r.first ? r.first->actor : change.source.actor;
      EntryOut entry;
      entry._id = r.entry->to_string();
      entry.user = {account.id().to_string(), std::to_string(account.number.value), account.username};
      entry.currency = change.currency;
      entry.entry_class = to_string(r.entry_class);
      entry.amount = r.amount;
      entry.balanceAfter = r.balance;
      entry.source = {change.source.kind, change.source.external_id, change.leg};
      entry.reason = optional(r.first ? r.first->reason : change.source.reason);
      entry.note = optional(r.first ? r.first->note : change.note);
      entry.actor = {actor.type, actor.id, actor.name};
      entry.createdAt = to_iso(NumberSource::time_of(r.entry->number));
      out.entry = std::move(entry);
    }
    list.items.push_back(std::move(out));
  }
  return in.is_list ? api::to_json(list) : api::to_json(list.items.front());
}

// One row a request that changed something: who, by which address, what.
void BalancesService::Round::add_audit(Task const& t) {
  api::JsonWriter w;
  w.begin_object().key("request_id").string(t.context.request_id).key("changes").begin_array();
  bool changed = false;
  std::string target = t.accounts.front().id().to_string();
  for (std::size_t i = 0; i < t.results.size(); ++i) {
    auto const& r = t.results[i];
    if (!r.entry || r.duplicate) continue;
    changed = true;
    if (t.accounts[i].number != t.accounts.front().number) target.clear();
    w.begin_object().key("user").string(t.accounts[i].id().to_string()).key("currency").string(t.changes[i].currency);
    w.key("before").decimal({r.balance.micros - r.amount.micros}).key("after").decimal(r.balance);
    w.key("entry").string(r.entry->to_string()).end_object();
  }
  w.end_array().end_object();
  if (!changed) return;
  audit_.push_back(
      {service_.numbers_.next(),
       {access::actor_of(t.context.principal), "balance.adjusted", std::move(target), w.take(), t.context.remote_address, now_}});
}

BalancesService::BalancesService(sql::Database& database, NumberSource& numbers)
    : database_(database), numbers_(numbers), ledger_(database, numbers) {
  Lanes::Settings settings;
  settings.weight_max = kRoundChangesMax;
  settings.run = [this](CommunityNo community, Lanes::Tasks& tasks, Lane lane) { run_round(community, tasks, lane); };
  settings.finish = [this](CommunityNo community, Lanes::Tasks tasks) { finish(community, std::move(tasks)); };
  lanes_ = std::make_unique<Lanes>(std::move(settings));
}
BalancesService::~BalancesService() = default;

Result<MemberBalances> BalancesService::read(api::Context const& context, BalancesIn const& in) {
  return database_.read([&](sql::Tx& tx) -> Result<MemberBalances> {
    MemberReference const reference{in.identifier, in.identifier_type ? *in.identifier_type : std::string_view(),
                                    in.field_name ? *in.field_name : std::string_view()};
    auto account = std::move(find_referenced(tx, context.community, {reference}).front());
    auto const state = account ? state_of(tx, context.community, account->number) : std::nullopt;
    if (account && (!state || *state == MembershipState::deleted)) account = std::unexpected(no_such_member());
    if (account && state == MembershipState::invited)
      account = fail(ledger::errors::kUserNotJoined, "This member has not accepted the invitation yet.");
    if (!account) return std::unexpected(error_of({{0, std::move(account).error()}}, false));

    std::vector<ledger::MemberBalance> stored;
    ledger::load_balances(tx, context.community, {account->number}, stored);
    MemberBalances out{std::to_string(account->number.value), {}};
    for (auto const& currency : ledger::load_currencies(tx, context.community)) {
      if (currency.kind == "counter") continue;  // counts of spins and the like have operations of their own
      CurrencyBalance shown{currency.code, currency.name, {}, {}};
      for (auto const& b : stored)
        if (b.currency == currency.number) {
          shown.balance = b.balance.amount;
          shown.earned = std::max(b.balance.earned, Decimal{});
        }
      out.balances.push_back(std::move(shown));
    }
    return out;
  });
}

void BalancesService::adjust(api::Context const& context, Adjust in, Adjusted done) {
  auto task = std::make_unique<Task>(context, std::move(in), std::move(done));
  auto const& who = context.principal;
  // People have no key: what they repeat is told apart by their account.
  bool const is_person = who.kind == api::PrincipalKind::user;
  auto const caller = (is_person ? who.account_id : who.key_id).to_string();
  auto const actor = is_person ? access::actor_of(who)
                               : access::Actor{who.kind == api::PrincipalKind::system_key ? "system_key" : "api_key", caller, who.name};
  std::string const prefix = caller + ":";
  auto const& key = task->in.idempotency_key;
  for (std::size_t i = 0; i < task->in.items.size(); ++i) {
    auto const& item = task->in.items[i];
    ledger::Change change;
    change.currency = item.currency;
    change.op = *ledger::parse_operator(item.op);
    change.value = item.amount;
    change.source = {is_person ? "admin" : "api_key", prefix, "", item.reason.value_or(""), actor};
    change.note = item.note.value_or("");
    if (item.sourceId) {
      change.source.external_id += *item.sourceId;
    } else {
      // One id for the whole request: the leg tells its items apart.
      if (task->in.is_list) change.leg = std::to_string(i);
      change.is_new_source = !key;
      change.source.external_id += key ? *key : "auto:" + std::to_string(numbers_.next());
    }
    task->changes.push_back(std::move(change));
  }
  if (key) task->fingerprint = sha256((task->in.is_list ? "list" : "one") + api::to_json(AdjustItems{task->in.items}));
  if (!lanes_->add(context.community, task, Lane::quick)) task->done(std::unexpected(overloaded()), nullptr);
}

void BalancesService::run_round(CommunityNo community, std::span<std::unique_ptr<Task>> tasks, Lane lane) {
  auto const fail_all = [&](auto&& make) {
    for (auto const& t : tasks) {
      t->end = Task::End::thrown;
      t->exception = make();
    }
  };
  try {
    for (int attempt = 1;; ++attempt) {
      try {
        database_.write([&](sql::Tx& tx) { Round(*this, tx, community, tasks, lane).run(); });
        return;
      } catch (KeysTaken) {
        if (attempt == kRoundAttemptsMax)
          throw StorageError(StorageError::Kind::busy, "the Idempotency-Keys of a round were taken again and again");
      }
    }
  } catch (StorageError const& e) {
    bool const one_may_be_to_blame = e.kind() == StorageError::Kind::broken || e.kind() == StorageError::Kind::constraint;
    if (tasks.size() > 1 && one_may_be_to_blame) {
      for (auto const& t : tasks) t->end = Task::End::alone;
      return;
    }
    // One for each: they are handled on different threads.
    fail_all([&] { return std::make_exception_ptr(StorageError(e.kind(), e.what())); });
  } catch (std::exception const& e) {
    fail_all([&] { return std::make_exception_ptr(std::runtime_error(e.what())); });
  } catch (...) {
    fail_all([] { return std::make_exception_ptr(std::runtime_error("not a std::exception")); });
  }
}

void BalancesService::finish(CommunityNo community, std::vector<std::unique_ptr<Task>> tasks) {
  for (auto& task : tasks) {
    if (task->end == Task::End::alone) run_round(community, {&task, 1}, Lane::patient);
    if (task->end == Task::End::answered && !task->answer) {
      try {
        task->answer = task->tell();
      } catch (...) {
        task->exception = std::current_exception();
        task->end = Task::End::thrown;
      }
    }
    if (task->end == Task::End::thrown) {
      task->done(api::Json{}, task->exception);
    } else if (task->end == Task::End::answered) {
      auto& answer = *task->answer;
      task->done(answer ? Result<api::Json>(api::Json{*std::move(answer)}) : std::unexpected(std::move(answer).error()), nullptr);
    } else if (!lanes_->add(community, task, task->end == Task::End::busy ? Lane::patient : Lane::quick)) {
      task->done(std::unexpected(overloaded()), nullptr);
    }
  }
}

}  // namespace fealty::members
