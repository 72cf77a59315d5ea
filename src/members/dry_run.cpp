#include "members/dry_run.h"

#include <filesystem>

#include "base/random.h"

namespace fealty::members {
namespace {

using sql::Batch;
using sql::Row;
using sql::Statement;
constexpr auto kInt = Batch::Type::integer;
constexpr auto kText = Batch::Type::text;

// The scratch database is always SQLite and no part of the schema.
constexpr std::string_view kSchema[] = {
    "CREATE TABLE states (member_id INTEGER NOT NULL, slot INTEGER NOT NULL, present INTEGER NOT NULL, is_number INTEGER NOT NULL, "
    "number INTEGER NOT NULL, text TEXT NOT NULL, earned INTEGER NOT NULL, PRIMARY KEY (member_id, slot)) STRICT, WITHOUT ROWID",
    "CREATE TABLE people (email_key TEXT NOT NULL PRIMARY KEY, username_key TEXT NOT NULL, member_id INTEGER NOT NULL, state INTEGER NOT "
    "NULL, display_name TEXT NOT NULL) STRICT",
    "CREATE TABLE identifiers (field_id INTEGER NOT NULL, value_key TEXT NOT NULL, member_id INTEGER NOT NULL, PRIMARY KEY (field_id, "
    "value_key)) STRICT, WITHOUT ROWID",
    "CREATE INDEX people_by_username ON people (username_key)", "CREATE INDEX people_by_member ON people (member_id)"};

Statement const kPeopleOf{sql::Scratch{}, "dry_run.people",
                          "SELECT p.member_id, p.state, p.display_name FROM {rows r: k int} CROSS JOIN people p WHERE p.member_id = r.k"};
Statement const kStatesOf{sql::Scratch{}, "dry_run.states",
                          "SELECT s.member_id, s.slot, s.present, s.is_number, s.number, s.text, s.earned FROM {rows r: k int} "
                          "CROSS JOIN states s WHERE s.member_id = r.k"};
Statement const kKeepStates{
    sql::Scratch{}, "dry_run.keep_states",
    "INSERT INTO states (member_id, slot, present, is_number, number, text, earned) "
    "SELECT r.m, r.s, r.p, r.i, r.n, r.t, r.e FROM {rows r: m int, s int, p int, i int, n int, t text, e int} WHERE true "
    "ON CONFLICT (member_id, slot) DO UPDATE SET present = excluded.present, is_number = excluded.is_number, "
    "number = excluded.number, text = excluded.text, earned = excluded.earned"};
Statement const kKeepPeople{sql::Scratch{}, "dry_run.keep_people",
                            "INSERT INTO people (email_key, username_key, member_id, state, display_name) SELECT r.e, r.u, r.m, r.s, r.d "
                            "FROM {rows r: e text, u text, m int, s int, d text} WHERE true ON CONFLICT DO NOTHING"};
Statement const kKeepIdentifiers{sql::Scratch{}, "dry_run.keep_identifiers",
                                 "INSERT INTO identifiers (field_id, value_key, member_id) SELECT r.f, r.v, r.m "
                                 "FROM {rows r: f int, v text, m int} WHERE true "
                                 "ON CONFLICT (field_id, value_key) DO UPDATE SET member_id = excluded.member_id"};
Statement const kIdentifiers{sql::Scratch{}, "dry_run.identifiers",
                             "SELECT i.value_key, i.member_id FROM {rows r: v text} CROSS JOIN identifiers i "
                             "WHERE i.field_id = $1 AND i.value_key = r.v"};
Statement const kByEmail{
    sql::Scratch{}, "dry_run.by_email",
    "SELECT p.email_key, p.username_key, p.member_id, p.state, p.display_name FROM {rows r: v text} CROSS JOIN people p "
    "WHERE p.email_key = r.v"};
Statement const kByUsername{
    sql::Scratch{}, "dry_run.by_username",
    "SELECT p.email_key, p.username_key, p.member_id, p.state, p.display_name FROM {rows r: v text} CROSS JOIN people p "
    "WHERE p.username_key = r.v"};

constexpr std::int64_t kCurrencySlots = 1'000'000'000'000;
std::int64_t slot_key(Slot const& slot) {
  return slot.kind == Slot::Kind::currency ? kCurrencySlots + slot.currency.number.value : slot.field.value;
}

ImaginedAccount read_account(Row const& r) {
  return {r.string(0), r.string(1), {r.integer(2)}, static_cast<MembershipState>(r.integer(3)), r.string(4)};
}

void find_people(sql::Database& scratch, Statement const& statement, std::vector<std::string> const& keys,
                 std::function<void(ImaginedAccount const&)> const& on_found) {
  Batch batch{kText};
  for (auto const& key : keys) batch.add(key);
  scratch.read([&](sql::Tx& tx) { tx.each_batch(statement, batch, [&](Row const& r) { on_found(read_account(r)); }); });
}

}  // namespace

DryRun::DryRun(std::string const& scratch_folder) : path_(scratch_folder + "/dry-run-" + random_base62(12) + ".db") {
  std::filesystem::create_directories(scratch_folder);
  sql::Settings settings;
  settings.url = "sqlite://" + path_;
  settings.readers = 1;
  settings.cache_kib = 4 * 1024;
  scratch_ = sql::open(settings);
  scratch_->write([](sql::Tx& tx) {
    for (auto const text : kSchema) tx.run_text(text, {}, {});
  });
}

DryRun::~DryRun() {
  scratch_.reset();
  std::error_code ignored;
  for (auto const* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix, ignored);
}

void DryRun::overlay(MemberChanges& changes, std::vector<MemberNo> const& members) {
  Batch batch{kInt};
  for (MemberNo const m : members) batch.add(m);
  std::map<std::int64_t, std::size_t> slot_by_key;
  for (std::size_t s = 0; s < changes.slots().size(); ++s) slot_by_key.emplace(slot_key(changes.slots()[s]), s);
  auto const display_name = slot_by_key.find(kDisplayName.value);
  scratch_->read([&](sql::Tx& tx) {
    tx.each_batch(kPeopleOf, batch, [&](Row const& r) {
      auto const index = changes.find({r.integer(0)}).value();
      changes.person(index).is_member = true;
      changes.person(index).state = static_cast<MembershipState>(r.integer(1));
      if (display_name != slot_by_key.end()) changes.state(index, display_name->second).value = Value::of(r.string(2));
    });
    tx.each_batch(kStatesOf, batch, [&](Row const& r) {
      auto const slot = slot_by_key.find(r.integer(1));
      if (slot == slot_by_key.end()) return;
      auto& state = changes.state(changes.find({r.integer(0)}).value(), slot->second);
      state.value = {r.boolean(2), r.boolean(3), r.integer(4), r.string(5)};
      state.earned = {r.integer(6)};
    });
  });
}

void DryRun::stage(MemberChanges& changes, std::vector<ImaginedAccount> accounts) {
  staged_.clear();
  staged_accounts_ = std::move(accounts);
  for (auto const& c : changes.changes()) staged_.push_back({changes.person(c.person).member, slot_key(changes.slots()[c.slot]), c.after});
  staged_identifiers_.clear();
  for (auto const& c : changes.changes()) {
    Slot const& slot = changes.slots()[c.slot];
    if (!slot.identifier) continue;
    if (c.before.value.present) staged_identifiers_[{slot.field, MemberChanges::identifier_key(c.before.value)}] = {};
    if (c.after.value.present)
      staged_identifiers_[{slot.field, MemberChanges::identifier_key(c.after.value)}] = changes.person(c.person).member;
  }
}

void DryRun::commit() {
  Batch states{kInt, kInt, kInt, kInt, kInt, kText, kInt}, people{kText, kText, kInt, kInt, kText}, identifiers{kInt, kText, kInt};
  for (auto const& s : staged_)
    states.add(s.member, s.slot_key, s.state.value.present, s.state.value.is_number, s.state.value.number, s.state.value.text,
               s.state.earned.micros);
  for (auto const& a : staged_accounts_)
    people.add(a.email_key, a.username_key, a.member, static_cast<std::int64_t>(a.state), a.display_name);
  for (auto const& [place, member] : staged_identifiers_) identifiers.add(place.first, place.second, member);
  scratch_->write([&](sql::Tx& tx) {
    if (states.rows() > 0) tx.exec_batch(kKeepStates, states);
    if (people.rows() > 0) tx.exec_batch(kKeepPeople, people);
    if (identifiers.rows() > 0) tx.exec_batch(kKeepIdentifiers, identifiers);
  });
  staged_.clear();
  staged_accounts_.clear();
  staged_identifiers_.clear();
}

void DryRun::find_identifiers(FieldNo field, std::vector<std::string> const& value_keys,
                              std::function<void(std::string, MemberNo)> const& on_found) {
  Batch batch{kText};
  for (auto const& key : value_keys) batch.add(key);
  scratch_->read(
      [&](sql::Tx& tx) { tx.each_batch(kIdentifiers, batch, [&](Row const& r) { on_found(r.string(0), {r.integer(1)}); }, field); });
}

void DryRun::find_by_email(std::vector<std::string> const& email_keys, std::function<void(ImaginedAccount const&)> const& on_found) {
  find_people(*scratch_, kByEmail, email_keys, on_found);
}

void DryRun::find_by_username(std::vector<std::string> const& username_keys, std::function<void(ImaginedAccount const&)> const& on_found) {
  find_people(*scratch_, kByUsername, username_keys, on_found);
}

}  // namespace fealty::members
