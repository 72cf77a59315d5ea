#include "app/demo.h"

#include <algorithm>

#include "app/installation.h"
#include "base/text.h"
#include "ledger/ledger.h"
#include "members/fields.h"
#include "members/people.h"
#include "sql/counters.h"

namespace fealty::app {
namespace {

using members::Catalogue;
using members::Value;

constexpr int kAtOnce = 50;
constexpr TimeMs kDayMs = 86'400'000, kJoiningDays = 120;

constexpr std::string_view kFirstNames[] = {"Ada",  "Ben",    "Carla", "Deniz", "Elena", "Farid", "Greta", "Hugo",  "Ines",  "Jonas",
                                            "Kofi", "Lena",   "Mira",  "Nils",  "Olga",  "Pavel", "Quinn", "Rosa",  "Samir", "Tara",
                                            "Uma",  "Viktor", "Wanda", "Xenia", "Yusuf", "Zoe",   "Aiko",  "Bruno", "Chloe", "Diego"};
constexpr std::string_view kLastNames[] = {"Adler",   "Berg",   "Costa",  "Duarte", "Eriksen", "Fischer", "Garcia", "Hansen",
                                           "Ivanova", "Jansen", "Kaya",   "Larsen", "Moreau",  "Novak",   "Okafor", "Petrov",
                                           "Rossi",   "Santos", "Tanaka", "Ueda",   "Varga",   "Weber",   "Yilmaz", "Zimmer"};
constexpr std::string_view kCities[] = {"Berlin", "Lisbon", "Oslo", "Singapore", "Nairobi", "Toronto", "Lima", "Osaka"};
constexpr std::string_view kPlans[] = {"Free", "Silver", "Gold"};
constexpr std::string_view kRoles[] = {"Moderator", "Ambassador", "Trader"};
constexpr std::string_view kTags[] = {"vip", "early bird", "beta"};
constexpr char kCity[] = "City", kPlan[] = "Plan", kNewsletter[] = "Newsletter", kDeposits[] = "Deposits";

// The same people each time: what is to be looked at must not depend on chance.
class Dice {
 public:
  // 0 to below - 1.
  std::int64_t roll(std::int64_t below) {
    // Knuth, The Art of Computer Programming 2, 3.3.4 table 1.
    state_ = state_ * 6'364'136'223'846'793'005ull + 1'442'695'040'888'963'407ull;
    return static_cast<std::int64_t>((state_ >> 33) % static_cast<std::uint64_t>(below));
  }
  template <std::size_t N>
  std::string_view one_of(std::string_view const (&list)[N]) {
    return list[static_cast<std::size_t>(roll(N))];
  }

 private:
  std::uint64_t state_ = 1;
};

template <class T>
T made(Result<T> result) {
  if (!result) throw OperatorError("The demo could not be made: " + result.error().message);
  return *std::move(result);
}

void make_catalogue(sql::Database& database, NumberSource& numbers, CommunityNo community, access::Actor const& actor, TimeMs now) {
  members::FieldService service(database, numbers);
  auto const there = database.read([&](sql::Tx& tx) { return members::load_catalogue(tx, community); });
  auto const field = [&](std::string name, std::string type, std::vector<std::string> options = {}) {
    if (members::find_custom_field(there, name)) return;
    members::NewField in;
    in.name = std::move(name);
    in.type = std::move(type);
    in.options = std::move(options);
    made(service.create(community, in, actor, now));
  };
  field(kCity, "single-line-text");
  field(kPlan, "select", {std::begin(kPlans), std::end(kPlans)});
  field(kNewsletter, "boolean");
  field(kDeposits, "numerical");
  auto const has = [](std::vector<members::NamedNumber> const& list, std::string_view name) {
    return std::any_of(list.begin(), list.end(), [&](auto const& n) { return n.name == name; });
  };
  // The last role made ranks highest.
  for (auto i = std::size(kRoles); i-- > 0;)
    if (!has(there.roles, kRoles[i])) made(service.create_role(community, std::string(kRoles[i]), actor, now));
  for (auto const tag : kTags)
    if (!has(there.tags, tag)) made(service.create_tag(community, std::string(tag), actor, now));
}

std::int64_t number_of(std::vector<members::NamedNumber> const& list, std::string_view name) {
  auto const found = std::find_if(list.begin(), list.end(), [&](auto const& n) { return n.name == name; });
  return found == list.end() ? 0 : found->number;
}

members::NewPerson invent(Dice& dice, MemberNo number, Catalogue const& catalogue) {
  members::NewPerson p;
  p.number = number;
  p.first_name = dice.one_of(kFirstNames);
  p.last_name = dice.one_of(kLastNames);
  p.display_name = p.first_name + " " + p.last_name.substr(0, 1) + ".";
  p.username = fold_case(p.first_name + "." + p.last_name) + "." + std::to_string(number.value);
  // A domain that RFC 2606 keeps free of owners.
  p.email = p.username + "@demo.example";
  if (auto const chance = dice.roll(10); chance < 4)
    p.roles.push_back(number_of(catalogue.roles, chance == 0 ? kRoles[0] : chance == 1 ? kRoles[1] : kRoles[2]));
  if (dice.roll(4) == 0)
    p.values.push_back({*members::default_slot("Tag"), Value::of(std::to_string(number_of(catalogue.tags, dice.one_of(kTags))))});
  auto const value = [&](char const* name, Value v) {
    if (auto const* const field = members::find_custom_field(catalogue, name)) p.values.push_back({members::slot_of(*field), std::move(v)});
  };
  value(kCity, Value::of(std::string(dice.one_of(kCities))));
  value(kPlan, Value::of(std::string(dice.one_of(kPlans))));
  value(kNewsletter, Value::of(dice.roll(2) == 1));
  if (dice.roll(3) == 0) value(kDeposits, Value::of(Decimal{(50 + dice.roll(2'000)) * Decimal::kScale}));
  return p;
}

// What a member has earned and spent, in the order in which it happened.
std::vector<ledger::Change> earnings(Dice& dice, MemberNo member, access::Actor const& actor) {
  using ledger::Operator;
  std::vector<ledger::Change> all;
  auto const add = [&](char const* currency, Operator op, std::int64_t amount, char const* reason) {
    auto const place = std::to_string(member.value) + ":" + std::to_string(all.size());
    all.push_back({.member = member,
                   .currency = currency,
                   .op = op,
                   .value = Decimal{amount * Decimal::kScale},
                   .source = {"admin", place, "Demo", reason, actor},
                   .leg = "",
                   .note = "",
                   .is_new_source = true});
  };
  for (auto n = 1 + dice.roll(5); n > 0; --n) add("xp", Operator::add, 10 + dice.roll(400), "Took part");
  std::int64_t coins = 0;
  for (auto n = dice.roll(5); n > 0; --n) {
    auto const amount = 20 + dice.roll(300);
    coins += amount;
    add("coins", Operator::add, amount, "Weekly reward");
  }
  if (coins > 50 && dice.roll(2) == 0) add("coins", Operator::subtract, 10 + dice.roll(coins / 2), "Spent in the store");
  if (dice.roll(5) == 0) add("premium", Operator::add, 1 + dice.roll(20), "Welcome gift");
  return all;
}

}  // namespace

std::int64_t make_demo(sql::Database& database, NumberSource& numbers, CommunityNo community, access::Actor const& actor, TimeMs now) {
  make_catalogue(database, numbers, community, actor, now);
  ledger::LedgerService ledger(database, numbers);
  Dice dice;
  std::int64_t members = 0;
  while (members < kDemoMembers) {
    Dice const before = dice;
    database.write([&](sql::Tx& tx) {
      dice = before;  // the transaction may run again
      auto const catalogue = members::load_catalogue(tx, community);
      std::int64_t const first = sql::draw_numbers(tx, "account", kAtOnce);
      std::vector<std::vector<ledger::Change>> changes;
      for (int i = 0; i < kAtOnce; ++i) {
        MemberNo const number{first + i};
        auto const person = invent(dice, number, catalogue);
        TimeMs const joined = now - (kJoiningDays - (members + i) * kJoiningDays / kDemoMembers) * kDayMs + dice.roll(kDayMs / 2);
        members::insert_person(tx, numbers, community, person, actor, joined, joined);
        changes.push_back(earnings(dice, number, actor));
      }
      std::vector<ledger::ChangeSet> const sets(changes.begin(), changes.end());
      for (auto const& outcome : ledger.apply_in(tx, community, sets, now))
        if (outcome.state != ledger::SetOutcome::State::applied)
          throw OperatorError("The demo could not be made: " + outcome.problems.front().error.message);
    });
    members += kAtOnce;
  }
  return members;
}

}  // namespace fealty::app
