// Whole jobs of members, from the upload to their reversal: files, queue and chunks as the server has them, in one thread.
#pragma once
#include "bulk_harness.h"
#include "jobs/bulk_check.h"
#include "jobs/bulk_service.h"
#include "jobs/bulk_store.h"
#include "jobs/job_run.h"

namespace fealty::members {

class CsvBody final : public api::BodySource {
 public:
  explicit CsvBody(std::string data) : data_(std::move(data)) {}
  std::size_t read(std::span<char> into) override {
    std::size_t const n = std::min(into.size(), data_.size() - at_);
    data_.copy(into.data(), n, at_);
    at_ += n;
    return n;
  }
  std::optional<std::int64_t> declared_length() const override { return std::nullopt; }

 private:
  std::string data_;
  std::size_t at_ = 0;
};

class RevertTest : public BulkTest {
 protected:
  void SetUp() override {
    BulkTest::SetUp();
    parts_.emplace(jobs::BulkParts{db(), files_, numbers_, limits_, kinds_, [] { return system_now(); }});
    service_.emplace(*parts_, [] {});
  }

  api::Context context() {
    api::Context c;
    c.community = kHere;
    c.principal.kind = api::PrincipalKind::community_key;
    c.principal.community = kHere;
    c.principal.community_id = PublicId::of(kHere.value, test::kNow);
    c.principal.key_prefix = "fk_test";
    c.principal.name = "crm";
    c.principal.permissions = permissions;
    c.now = system_now();
    return c;
  }

  PublicId queue(std::string_view type, std::string csv) {
    CsvBody body(std::move(csv));
    api::Request request;
    request.method = api::Method::post;
    request.headers.push_back({"content-type", "text/csv"});
    request.stream = &body;
    auto c = context();
    auto const answer = service_->upload(c, request, kind(type));
    if (!answer) throw std::logic_error("the test's file is wrong: " + answer.error().message);
    return *PublicId::parse(answer->id);
  }
  // Works on the oldest open job, at most so many steps.
  void work(int steps_max = 1'000'000) {
    auto const heads = db().read([](sql::Tx& tx) { return jobs::queue_heads(tx); });
    ASSERT_FALSE(heads.empty());
    test::run(db(), "UPDATE bulk_jobs SET lease_until = 0");
    auto job = db().write([&](sql::Tx& tx) { return jobs::claim_job(tx, heads.front(), 1, system_now()); });
    ASSERT_TRUE(job);
    jobs::JobRun run(*parts_, *job, 1'000);
    for (int step = 0; step < steps_max; ++step)
      if (run.step() != jobs::JobRun::Step::more) return;
  }
  PublicId run(std::string_view type, std::string csv) {
    auto const id = queue(type, std::move(csv));
    work();
    return id;
  }
  PublicId update(std::string csv) { return run("bulk_update", std::move(csv)); }
  PublicId import(std::string csv) { return run("bulk_import", std::move(csv)); }

  Result<jobs::RevertAnswer> ask_revert(PublicId id, bool dry_run = false) {
    auto c = context();
    return service_->revert(c, id, {"typed in twice", dry_run}, {});
  }
  PublicId queue_revert(PublicId id, bool dry_run = false) {
    auto const answer = ask_revert(id, dry_run);
    if (!answer) throw std::logic_error(answer.error().message);
    return *PublicId::parse(answer->id);
  }
  PublicId revert(PublicId id, bool dry_run = false) {
    auto const reversing = queue_revert(id, dry_run);
    work();
    return reversing;
  }

  jobs::JobStatus status(PublicId id) {
    auto c = context();
    return service_->status(c, id).value();
  }
  std::string counters(PublicId id) {
    auto const s = status(id);
    return s.status + " " + std::to_string(s.updated) + "/" + std::to_string(s.unchanged) + "/" + std::to_string(s.created) + "/" +
           std::to_string(s.failed) + " of " + std::to_string(s.total);
  }
  std::string progress(PublicId id) {
    auto const s = status(id);
    return s.status + " " + std::to_string(s.reverted_rows) + "+" + std::to_string(s.conflicts);
  }
  std::vector<jobs::RowDetail> details(PublicId id) {
    auto c = context();
    return service_->details(c, id, {1, 500, {}, {}, {}}).value().first.rows;
  }
  // "4 updated", "3 failed Coins:value_changed" …
  std::vector<std::string> outcomes_of(PublicId id) {
    std::vector<std::string> out;
    for (auto const& d : details(id)) {
      out.push_back(std::to_string(d.row) + " " + d.status);
      for (auto const& e : d.errors) out.back() += " " + e.column + ":" + e.code;
    }
    return out;
  }
  std::string messages_of(PublicId id) {
    std::string out;
    for (auto const& d : details(id))
      for (auto const& e : d.errors) out += (out.empty() ? "" : "\n") + e.message;
    return out;
  }

  // Everything that members and readers of the community can see; not the ledger, histories and jobs that led there.
  std::string state() {
    static constexpr char const* kParts[] = {
        "SELECT 'balance', member_id, currency_id, amount, earned, '' FROM balances WHERE amount <> 0 OR earned <> 0",
        "SELECT 'value', member_id, field_id, coalesce(number, -1), 0, coalesce(text, '') FROM field_values WHERE number IS NOT NULL "
        "OR text IS NOT NULL",
        "SELECT 'profile', member_id, community_id, state, joined_at, coalesce(first_name, '-') || '|' || coalesce(last_name, '-') || '|' "
        "|| coalesce(display_name, '-') || '|' || coalesce(phone, '-') || '|' || coalesce(country, '-') || '|' || coalesce(language, '-') "
        "FROM memberships",
        "SELECT 'role', member_id, role_id, 0, 0, '' FROM member_roles",
        "SELECT 'tag', member_id, tag_id, 0, 0, '' FROM member_tags",
        "SELECT 'identifier', member_id, field_id, 0, 0, value_key FROM identifier_values",
        "SELECT 'account', account_id, state, created_at, 0, email || '|' || username FROM accounts"};
    std::vector<std::string> rows;
    db().read([&](sql::Tx& tx) {
      for (auto const* part : kParts)
        tx.run_text(part, {}, [&](sql::Row const& r) {
          std::string row = r.string(0);
          for (int c = 1; c < 5; ++c) row += " " + std::to_string(r.integer(c));
          rows.push_back(row + " " + r.string(5));
        });
    });
    std::sort(rows.begin(), rows.end());
    std::string out;
    for (auto const& row : rows) out += row + "\n";
    return out;
  }
  void expect_sound() {
    EXPECT_THAT(mismatches(), testing::IsEmpty());
    EXPECT_THAT(jobs::check_jobs(db(), files_), testing::IsEmpty());
  }
  void change(std::int64_t member, std::string const& currency, ledger::Operator op, std::int64_t value) {
    ledger::Change const c{{member},
                           currency,
                           op,
                           {value * Decimal::kScale},
                           {"api_key", "change " + std::to_string(++singles_), "", "", {"community_key", "fk", "Test"}},
                           "",
                           ""};
    ASSERT_TRUE(ledger::LedgerService(db(), numbers_).change(kHere, c, system_now()));
  }

  test::TemporaryFolder uploads_;
  jobs::FileStore files_{uploads_.path()};
  Limits limits_;
  api::PermissionSet permissions = api::PermissionSet::everything();
  std::optional<jobs::BulkParts> parts_;
  std::optional<jobs::BulkService> service_;
  int singles_ = 0;
};

}  // namespace fealty::members
