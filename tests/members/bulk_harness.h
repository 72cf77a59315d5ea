// Runs the rows of a bulk job through its kind in chunks of any size, without files, queue or HTTP: what the runner does, in
// a few lines.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "members/bulk_kinds.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::members {

using Cells = std::vector<std::string>;

struct Job {
  std::string kind = "bulk_update";
  Cells header = {};
  std::vector<Cells> rows = {};
  bool dry_run = false;
  std::size_t chunk = 1'000;
  api::PermissionSet permissions = api::PermissionSet::everything();
  std::optional<std::int64_t> max_errors = {};
  bool creates_only = false;
  bool by_member = false;  // in the order of the members, as large jobs are applied
};

struct Ran {
  std::vector<jobs::RowOutcome> rows;
  std::vector<std::string> outcomes;  // "updated", "failed Coins:insufficient_balance Phone:invalid_phone" …
  std::vector<std::string> changes;   // JSON: of a dry run as told, else read back from ledger and history
  std::vector<jobs::RowKey> keys;
  jobs::JobFacts job;
  std::string messages() const {
    std::string out;
    for (auto const& row : rows)
      for (auto const& issue : row.issues) out += (out.empty() ? "" : "\n") + issue.message;
    return out;
  }
};

struct FieldExtras {
  bool required = false, identifier = false;
  std::string default_value = {};
  std::vector<std::string> options = {};
  std::string visibility = "admin";
  bool member_editable = false;
};

inline std::string outcome_text(jobs::RowOutcome const& o) {
  std::string out(jobs::to_string(o.status));
  for (auto const& issue : o.issues) out += " " + issue.column + ":" + issue.code;
  return out;
}

class BulkTest : public test::DatabaseTest {
 protected:
  static constexpr CommunityNo kHere{1}, kElsewhere{2};
  static constexpr std::int64_t kOwner = 9;

  // Members 1 to 5 and the owner here, members 5 and 6 elsewhere.
  void SetUp() override {
    DatabaseTest::SetUp();
    test::add_community(db(), kHere.value, kOwner);
    test::add_community(db(), kElsewhere.value, 6);
    for (int member = 1; member <= 5; ++member) test::add_member(db(), kHere, member);
    test::add_member(db(), kHere, kOwner);
    for (int member = 5; member <= 6; ++member) test::add_member(db(), kElsewhere, member);
    kinds_ = bulk_kinds(db(), numbers_, scratch_.path());
  }

  jobs::BulkKind const& kind(std::string_view type) {
    for (auto const& k : kinds_)
      if (k->type() == type) return *k;
    throw std::logic_error("no such kind");
  }

  Ran run_job(Job const& in) {
    auto const& k = kind(in.kind);
    Ran ran;
    ran.job.community = kHere;
    ran.job.job = {numbers_.next()};
    ran.job.id = PublicId::of(ran.job.job.value, NumberSource::time_of(ran.job.job.value));
    ran.job.dry_run = in.dry_run;
    ran.job.permissions = in.permissions;
    ran.job.creates_only = in.creates_only;
    auto columns = db().read([&](sql::Tx& tx) { return k.bind(tx, kHere, in.header, in.creates_only); });
    if (!columns) throw std::logic_error("the test's header is wrong: " + columns.error().issues.front().message);
    ran.job.columns = *columns;
    if (!in.dry_run) {
      ran.job.source = {numbers_.next()};
      db().write([&](sql::Tx& tx) { k.create_source(tx, ran.job, "label", {"community_key", "fk_test", "Test"}, test::kNow); });
    }
    auto const session = k.open(ran.job);
    std::vector<jobs::RowNumbers> numbers;
    auto all = rows_of(in);
    if (in.by_member) {
      session->look_up(all.rows);
      std::sort(all.rows.begin(), all.rows.end(),
                [](auto const& a, auto const& b) { return std::pair(a.target.order, a.row) < std::pair(b.target.order, b.row); });
      for (auto& row : all.rows) row.is_looked_up = true;
    }
    ran.rows.resize(all.rows.size());
    ran.outcomes.resize(all.rows.size());
    ran.changes.resize(all.rows.size());
    std::size_t given = 0;
    std::int64_t failed = 0;
    bool stopped = false;
    for (std::size_t begin = 0; begin < all.rows.size() && !stopped; begin += in.chunk) {
      auto const chunk = std::span(all.rows).subspan(begin, std::min(in.chunk, all.rows.size() - begin));
      session->prepare(chunk);
      if (before_apply) before_apply();
      std::vector<jobs::RowOutcome> outcomes;
      jobs::ApplyFrame frame{test::kNow + 1'000, std::nullopt};
      if (in.max_errors) frame.failures_left = *in.max_errors - failed;
      db().write([&](sql::Tx& tx) { session->apply(tx, frame, outcomes); }, {.alone = true});
      session->committed();
      auto const drawn = session->numbers_drawn();
      for (std::size_t i = 0; i < outcomes.size(); ++i) {
        auto& o = outcomes[i];
        failed += o.status == jobs::RowStatus::failed ? 1 : 0;
        auto const row = chunk[i].row;
        auto const at = static_cast<std::size_t>(row - 2);
        if (drawn.first != 0)
          numbers.push_back({row, NumberSource::at(drawn.first, static_cast<std::int64_t>(i) * drawn.per_row),
                             NumberSource::at(drawn.first, static_cast<std::int64_t>(i + 1) * drawn.per_row - 1)});
        ran.outcomes[at] = outcome_text(o);
        ran.changes[at] = o.changes.empty() ? "[]" : o.changes;
        ran.rows[at] = std::move(o);
      }
      given += outcomes.size();
      stopped = in.max_errors && failed > *in.max_errors;
    }
    if (!in.by_member) {
      // A job that stops gives no outcomes for the rest.
      ran.rows.resize(given);
      ran.outcomes.resize(given);
      ran.changes.resize(given);
    }
    std::sort(numbers.begin(), numbers.end(), [](auto const& a, auto const& b) { return a.row < b.row; });
    std::sort(all.rows.begin(), all.rows.end(), [](auto const& a, auto const& b) { return a.row < b.row; });
    db().read([&](sql::Tx& tx) {
      for (auto& c : k.read_changes(tx, ran.job, numbers)) ran.changes[static_cast<std::size_t>(c.row - 2)] = c.changes;
      ran.keys = k.read_keys(tx, ran.job, all.rows);
    });
    return ran;
  }
  std::vector<std::string> outcomes(Job const& in) { return run_job(in).outcomes; }

  // A number or text of one member, and what the ledger says.
  std::string value(std::int64_t member, std::string const& field_key) {
    return test::text(
        db(),
        "SELECT coalesce(v.text, CAST(v.number AS TEXT)) FROM field_values v JOIN fields f ON f.community_id = v.community_id AND "
        "f.field_id = v.field_id WHERE v.community_id = 1 AND v.member_id = " +
            std::to_string(member) + " AND f.field_key = '" + field_key + "'");
  }
  std::string profile(std::int64_t member, std::string const& column) {
    return test::text(db(), "SELECT " + column + " FROM memberships WHERE community_id = 1 AND member_id = " + std::to_string(member));
  }
  std::string balance(std::int64_t member, int currency = 2) {
    return Decimal{test::number(db(), "SELECT coalesce(sum(amount), 0) FROM balances WHERE community_id = 1 AND member_id = " +
                                          std::to_string(member) + " AND currency_id = " + std::to_string(currency))}
        .to_string();
  }
  std::string set_of(char const* table, char const* id, std::int64_t member) {
    std::string out;
    db().read([&](sql::Tx& tx) {
      tx.run_text(std::string("SELECT ") + id + " FROM " + table + " WHERE community_id = 1 AND member_id = " + std::to_string(member) +
                      " ORDER BY 1",
                  {}, [&](sql::Row const& r) { out += (out.empty() ? "" : ",") + std::to_string(r.integer(0)); });
    });
    return out;
  }
  std::vector<ledger::Mismatch> mismatches() {
    return db().read([](sql::Tx& tx) { return ledger::audit_balances(tx, kHere, 100); });
  }
  CustomField field(std::string name, std::string type, FieldExtras const& extras = {}) {
    NewField wanted;
    wanted.name = std::move(name);
    wanted.type = std::move(type);
    wanted.required = extras.required;
    wanted.default_value = extras.default_value;
    wanted.options = extras.options;
    wanted.identifier = extras.identifier;
    wanted.visibility = extras.visibility;
    wanted.member_editable = extras.member_editable;
    auto made = FieldService(db(), numbers_).create(kHere, wanted, {"operator", "shell", "Test"}, test::kNow);
    if (!made) throw std::logic_error("the test's field is wrong: " + made.error().message);
    return *made;
  }

  NumberSource numbers_{1};
  test::TemporaryFolder scratch_;
  std::vector<std::unique_ptr<jobs::BulkKind>> kinds_;
  std::function<void()> before_apply;

 private:
  struct Rows {
    std::vector<std::vector<std::string_view>> cells;
    std::vector<jobs::InputRow> rows;
  };
  static Rows rows_of(Job const& in) {
    Rows out;
    for (auto const& row : in.rows) out.cells.emplace_back(row.begin(), row.end());
    std::int64_t number = 2;
    for (auto const& cells : out.cells) {
      bool const right = cells.size() == in.header.size();
      out.rows.push_back(
          {number, number, cells.size(), right, right ? std::span<std::string_view const>(cells) : std::span<std::string_view const>()});
      ++number;
    }
    return out;
  }
};

}  // namespace fealty::members
