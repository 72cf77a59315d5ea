// The bulk machine with a kind of its own: rows say what is to become of them, effects stand in a table without a unique
// key, so that a row that is applied twice shows.
#pragma once
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <set>

#include "jobs/bulk_check.h"
#include "jobs/bulk_runner.h"
#include "jobs/bulk_service.h"
#include "jobs/bulk_store.h"
#include "sql/failing.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::jobs {

using Cells = std::vector<std::string>;

// What a test may do at the steps of a job; called by the runner's threads.
struct Script {
  bool depends = false;      // what a look-ahead found is out of date when its turn comes
  bool looks_ahead = false;  // the next chunk is prepared while this one commits
  bool by_member = false;    // rows may be applied in the order of their keys: m7@… belongs to member 7
  std::function<void(JobFacts const&, std::int64_t first_row)> on_prepare, on_apply;
  std::set<std::int64_t> refused;  // rows that no reversal can take back
};

// Columns Key and Do. Do: ok (updated), new (created), same (unchanged), bad (failed).
class TestKind final : public BulkKind {
 public:
  TestKind(std::string type, Script& script, NumberSource& numbers) : type_(std::move(type)), script_(script), numbers_(numbers) {}
  std::string_view type() const override { return type_; }
  std::string_view path() const override { return "/users/bulk-update"; }
  std::string_view queued_message() const override { return "Queued"; }
  std::string_view template_name() const override { return "update"; }
  std::vector<api::Permission> permissions() const override { return {api::Permission::bulk_update_user}; }
  std::vector<std::string> known_columns(sql::Tx&, CommunityNo) const override { return {"Key", "Do"}; }
  Result<std::vector<Column>> bind(sql::Tx&, CommunityNo, std::span<std::string const> header, bool) const override {
    static constexpr ErrorDef kInvalidHeader{"invalid_header", 400};
    std::vector<Column> columns;
    std::vector<Issue> issues;
    for (auto const& name : header) {
      columns.push_back({name, name == "Key" ? "email" : name == "Do" ? "do" : "-"});
      if (name != "Key" && name != "Do" && !name.starts_with("#"))
        issues.push_back({name, "unknown_column", "There is no column " + name + "."});
    }
    if (!issues.empty()) return fail(kInvalidHeader, "This header is not right.", std::move(issues));
    return columns;
  }
  std::vector<std::string> template_header(sql::Tx&, CommunityNo) const override { return {"Key", "Do"}; }
  std::vector<std::string> template_example(std::span<std::string const>) const override { return {"m1@example.org", "=ok"}; }
  std::vector<ColumnUse> column_uses(sql::Tx&, JobFacts const& job) const override { return std::vector<ColumnUse>(job.columns.size()); }
  void create_source(sql::Tx&, JobFacts const&, std::string const&, access::Actor const&, TimeMs) const override {}
  std::unique_ptr<BulkSession> open(JobFacts const& job) const override { return std::make_unique<Session>(job, script_, numbers_); }
  std::vector<RowChanges> read_changes(sql::Tx& tx, JobFacts const& job, std::span<RowNumbers const> rows) const override {
    reads_of_changes += 1;
    std::vector<RowChanges> out;
    for (auto const& row : rows)
      tx.run_text("SELECT row_number FROM test_effects WHERE job_id = " + std::to_string(job.job.value) + " AND number BETWEEN " +
                      std::to_string(row.first) + " AND " + std::to_string(row.last) + " AND row_number = " + std::to_string(row.row),
                  {}, [&](sql::Row const& r) { out.push_back({r.integer(0), {}, "[{\"row\":" + std::to_string(r.integer(0)) + "}]"}); });
    return out;
  }
  void changed_rows(sql::Tx& tx, JobFacts const& job, std::int64_t first, std::int64_t last,
                    std::function<void(std::int64_t)> const& on_row) const override {
    tx.run_text("SELECT row_number FROM test_effects WHERE job_id = " + std::to_string(job.job.value) + " AND number BETWEEN " +
                    std::to_string(first) + " AND " + std::to_string(last),
                {}, [&](sql::Row const& r) { on_row(r.integer(0)); });
  }
  std::vector<RowKey> read_keys(sql::Tx&, JobFacts const& job, std::span<InputRow const> rows) const override {
    std::vector<RowKey> out(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t c = 0; rows[i].right_width && c < job.columns.size(); ++c)
        if (job.columns[c].target == "email") out[i].key = rows[i].cells[c];
    return out;
  }
  void create_reversal_source(sql::Tx&, ReversalFacts const&, std::string const&, std::string const&, access::Actor const&,
                              TimeMs) const override {}
  std::unique_ptr<BulkSession> open_reversal(ReversalFacts const& facts) const override {
    return std::make_unique<Reversal>(facts, script_, numbers_);
  }
  void read_recorded(sql::Tx& tx, JobFacts const& job, std::span<NumberRange const> ranges, std::pmr::memory_resource&,
                     std::vector<RecordedChange>& out) const override {
    out.clear();
    for (auto const& range : ranges)
      tx.run_text("SELECT row_number, number FROM test_effects WHERE job_id = " + std::to_string(job.job.value) + " AND number BETWEEN " +
                      std::to_string(range.first) + " AND " + std::to_string(range.last) + " ORDER BY number",
                  {}, [&](sql::Row const& r) {
                    RecordedChange c;
                    c.row = r.integer(0);
                    c.number = r.integer(1);
                    c.member = {c.row};
                    out.push_back(c);
                  });
  }
  std::vector<RowKey> read_people(sql::Tx&, CommunityNo, std::span<MemberNo const> people) const override {
    std::vector<RowKey> out(people.size());
    for (std::size_t i = 0; i < people.size(); ++i) out[i].key = "person " + std::to_string(people[i].value);
    return out;
  }
  bool looks_ahead(JobFacts const& job) const override { return script_.looks_ahead && !job.dry_run; }
  bool rows_are_independent(sql::Tx&, JobFacts const&) const override { return script_.by_member; }
  mutable std::atomic<int> reads_of_changes{0};

 private:
  class Session final : public BulkSession {
   public:
    Session(JobFacts job, Script& script, NumberSource& numbers) : job_(std::move(job)), script_(script), numbers_(numbers) {}
    void look_up(std::span<InputRow> rows) override {
      for (auto& row : rows)
        for (std::size_t c = 0; row.right_width && c < job_.columns.size(); ++c)
          if (job_.columns[c].target == "email" && row.cells[c].size() > 1)
            row.target.order = row.target.named[0] = std::atoll(std::string(row.cells[c].substr(1)).c_str());
    }
    void prepare(std::span<InputRow const> rows) override {
      prepared_ = false;
      rows_ = rows;
      if (script_.on_prepare) script_.on_prepare(job_, rows.empty() ? 0 : rows.front().row);
      prepared_ = true;
    }
    void apply(sql::Tx& tx, ApplyFrame const& frame, std::vector<RowOutcome>& outcomes) override {
      outcomes.clear();
      drawn_ = {job_.dry_run ? 0 : numbers_.next_block(static_cast<std::int64_t>(rows_.size())), 1};
      staged_ = 0;
      EXPECT_TRUE(prepared_) << "rows were applied that had not been looked up";
      if (script_.on_apply) script_.on_apply(job_, rows_.empty() ? 0 : rows_.front().row);
      std::int64_t failed = 0;
      for (auto const& row : rows_) {
        RowOutcome o;
        std::string_view what;
        for (std::size_t c = 0; row.right_width && c < job_.columns.size(); ++c)
          if (job_.columns[c].target == "do") what = row.cells[c];
        o.status = what == "ok"     ? RowStatus::updated
                   : what == "new"  ? RowStatus::created
                   : what == "same" ? RowStatus::unchanged
                                    : RowStatus::failed;
        if (o.status == RowStatus::failed) o.issues.push_back({"Do", row.right_width ? "bad" : "column_count", "This is \"bad\"."});
        ++staged_;
        if (job_.dry_run) {
          o.changes = "[" + std::to_string(seen_ + staged_) + "]";
        } else if (o.status == RowStatus::updated || o.status == RowStatus::created) {
          std::int64_t const number = NumberSource::at(drawn_.first, static_cast<std::int64_t>(outcomes.size()));
          tx.run_text("INSERT INTO test_effects (job_id, row_number, number) VALUES (" + std::to_string(job_.job.value) + ", " +
                          std::to_string(row.row) + ", " + std::to_string(number) + ")",
                      {}, {});
        }
        outcomes.push_back(std::move(o));
        if (outcomes.back().status == RowStatus::failed && frame.failures_left && ++failed > *frame.failures_left) break;
      }
    }
    bool depends_on(BulkSession const&) const override { return script_.depends; }
    NumbersDrawn numbers_drawn() const override { return drawn_; }
    void committed() override { seen_ += std::exchange(staged_, 0); }

   private:
    JobFacts job_;
    Script& script_;
    NumberSource& numbers_;
    std::span<InputRow const> rows_;
    bool prepared_ = false;
    NumbersDrawn drawn_;
    std::int64_t seen_ = 0, staged_ = 0;  // rows whose chunk is durable: the memory of a dry run
  };

  // Takes the rows of another job back; what it did stands in the same table.
  class Reversal final : public BulkSession {
   public:
    Reversal(ReversalFacts facts, Script& script, NumberSource& numbers) : facts_(std::move(facts)), script_(script), numbers_(numbers) {}
    void look_up(std::span<InputRow>) override {}
    void prepare(std::span<InputRow const> rows) override {
      rows_ = rows;
      if (script_.on_prepare) script_.on_prepare(facts_.job, rows.empty() ? 0 : rows.front().row);
    }
    void apply(sql::Tx& tx, ApplyFrame const&, std::vector<RowOutcome>& outcomes) override {
      outcomes.clear();
      drawn_ = {facts_.job.dry_run ? 0 : numbers_.next_block(static_cast<std::int64_t>(rows_.size())), 1};
      if (script_.on_apply) script_.on_apply(facts_.job, rows_.empty() ? 0 : rows_.front().row);
      for (auto const& row : rows_) {
        EXPECT_EQ(row.recorded->changes.size(), 1u);
        RowOutcome o;
        o.status = script_.refused.contains(row.row) ? RowStatus::failed : RowStatus::updated;
        o.member = row.recorded->member;
        if (o.status == RowStatus::failed)
          o.issues.push_back({"Do", "value_changed", "Do is not what it was."});
        else if (!facts_.job.dry_run)
          tx.run_text("INSERT INTO test_effects (job_id, row_number, number) VALUES (" + std::to_string(facts_.job.job.value) + ", " +
                          std::to_string(row.row) + ", " +
                          std::to_string(NumberSource::at(drawn_.first, static_cast<std::int64_t>(outcomes.size()))) + ")",
                      {}, {});
        outcomes.push_back(std::move(o));
      }
    }
    bool depends_on(BulkSession const&) const override { return script_.depends; }
    NumbersDrawn numbers_drawn() const override { return drawn_; }
    void committed() override {}

   private:
    ReversalFacts facts_;
    Script& script_;
    NumberSource& numbers_;
    std::span<InputRow const> rows_;
    NumbersDrawn drawn_;
  };

  std::string type_;
  Script& script_;
  NumberSource& numbers_;
};

class FakeBody final : public api::BodySource {
 public:
  explicit FakeBody(std::string data, std::size_t piece = 7'000) : data_(std::move(data)), piece_(piece) {}
  std::size_t read(std::span<char> into) override {
    if (on_read) on_read(at_);
    std::size_t const n = std::min({into.size(), piece_, data_.size() - at_});
    data_.copy(into.data(), n, at_);
    at_ += n;
    return n;
  }
  std::optional<std::int64_t> declared_length() const override { return declared; }
  std::function<void(std::size_t at)> on_read;
  std::optional<std::int64_t> declared;

 private:
  std::string data_;
  std::size_t piece_, at_ = 0;
};

// One program: a handle on the database, a node, a runner.
struct Program {
  Program(sql::Database& behind, FileStore& files, Limits const& limits, Script& script,
          RunnerSettings settings = {.workers = 2, .poll_ms = 20})
      : database(behind), numbers(0), node(database, numbers), settings_(settings) {
    kinds.push_back(std::make_unique<TestKind>("bulk_update", script, numbers));
    kinds.push_back(std::make_unique<TestKind>("bulk_import", script, numbers));
    parts.emplace(BulkParts{database, files, numbers, limits, kinds, [] { return system_now(); }});
    // Callers are served by the database itself: failures are the runner's.
    service.emplace(BulkParts{behind, files, numbers, limits, kinds, [] { return system_now(); }}, [this] {
      ++changes;
      if (runner) runner->wake();
    });
  }
  void start() {
    runner = std::make_unique<BulkRunner>(*parts, node, settings_);
    runner->start();
  }
  void stop() { runner.reset(); }
  TestKind const& kind() const { return static_cast<TestKind const&>(*kinds.front()); }

  sql::FailingDatabase database;
  NumberSource numbers;
  Node node;
  std::vector<std::unique_ptr<BulkKind>> kinds;
  std::optional<BulkParts> parts;
  std::optional<BulkService> service;
  std::atomic<int> changes{0};
  std::unique_ptr<BulkRunner> runner;

 private:
  RunnerSettings settings_;
};

class MachineTest : public test::DatabaseTest {
 protected:
  static constexpr CommunityNo kA{1}, kB{2};

  void SetUp() override {
    DatabaseTest::SetUp();
    test::add_community(db(), kA.value);
    test::add_community(db(), kB.value);
    test::run(db(), "CREATE TABLE test_effects (job_id {int} NOT NULL, row_number {int} NOT NULL, number {int} NOT NULL)");
    limits.bulk_chunk_rows_max = 50;  // the least that the runner takes
    program.emplace(db(), files, limits, script);
  }
  void TearDown() override {
    program.reset();
    DatabaseTest::TearDown();
  }

  api::Context context(CommunityNo community = kA) {
    api::Context c;
    c.community = community;
    c.principal.kind = api::PrincipalKind::community_key;
    c.principal.community = community;
    c.principal.community_id = PublicId::of(community.value, test::kNow);
    c.principal.key_prefix = "fk_" + std::to_string(community.value);
    c.principal.name = "crm";
    c.principal.permissions = api::PermissionSet::everything();
    c.now = system_now();
    c.remote_address = "192.0.2.1";
    return c;
  }
  using Query = std::vector<std::pair<std::string, std::string>>;
  // A raw upload of text/csv.
  Result<UploadAnswer> upload(std::string csv, Query query = {}, CommunityNo community = kA, std::vector<api::Header> headers = {}) {
    FakeBody body(std::move(csv));
    api::Request request;
    request.method = api::Method::post;
    request.query = std::move(query);
    request.headers = std::move(headers);
    request.headers.push_back({"content-type", "text/csv"});
    request.stream = &body;
    auto c = context(community);
    return program->service->upload(c, request, program->kind());
  }
  // Rows by what they do: {"ok", 120} …
  static std::string csv(std::vector<std::pair<std::string, int>> const& rows) {
    std::string out = "Key,Do\n";
    int n = 0;
    for (auto const& [what, count] : rows)
      for (int i = 0; i < count; ++i) out += "k" + std::to_string(++n) + "," + what + "\n";
    return out;
  }
  PublicId queue(std::string text, Query query = {}, CommunityNo community = kA) {
    auto const answer = upload(std::move(text), std::move(query), community);
    if (!answer) throw std::logic_error("the test's file is wrong: " + answer.error().message);
    return *PublicId::parse(answer->id);
  }
  JobStatus status(PublicId id, CommunityNo community = kA) {
    auto c = context(community);
    return program->service->status(c, id).value();
  }
  // Waits until the job has ended.
  JobStatus ended(PublicId id, CommunityNo community = kA) {
    JobStatus s;
    EXPECT_TRUE(eventually([&] {
      s = status(id, community);
      return s.status != "queued" && s.status != "processing";
    })) << s.status;
    return s;
  }
  template <class Condition>
  static bool eventually(Condition condition) {
    std::mutex mutex;
    std::condition_variable never;
    for (auto const end = steady_now_ms() + 30'000; steady_now_ms() < end;) {
      if (condition()) return true;
      std::unique_lock lock(mutex);
      never.wait_for(lock, std::chrono::milliseconds(3));
    }
    return condition();
  }
  std::string counters(JobStatus const& s) {
    return s.status + (s.error ? " " + s.error->code : "") + " " + std::to_string(s.updated) + "/" + std::to_string(s.unchanged) + "/" +
           std::to_string(s.created) + "/" + std::to_string(s.failed) + " of " + std::to_string(s.total) + ", " +
           std::to_string(s.not_processed) + " not, " + std::to_string(s.skipped) + " blank";
  }
  // Rows with an effect, each of them once.
  std::int64_t effects(PublicId id) {
    auto const rows = test::number(db(), "SELECT count(*) FROM test_effects WHERE job_id = " + std::to_string(id.number));
    EXPECT_EQ(test::number(db(), "SELECT count(DISTINCT row_number) FROM test_effects WHERE job_id = " + std::to_string(id.number)), rows)
        << "a row was applied twice";
    return rows;
  }
  // What the doctor finds. The effects of this machine's rows stand in a table of their own, not where it looks for them.
  std::vector<std::string> problems() {
    auto all = check_jobs(db(), files);
    std::erase_if(all, [](std::string const& problem) { return problem.contains("have effects in ledger and histories"); });
    return all;
  }
  std::vector<std::string> stored_files() {
    std::vector<std::string> out;
    for (auto const& entry : std::filesystem::directory_iterator(folder.path())) out.push_back(entry.path().filename().string());
    return out;
  }
  void end_lease(PublicId id) { test::run(db(), "UPDATE bulk_jobs SET lease_until = 0 WHERE job_id = " + std::to_string(id.number)); }

  test::TemporaryFolder folder;
  FileStore files{folder.path()};
  Limits limits;
  Script script;
  std::optional<Program> program;
};

// A door that threads wait at.
class Gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  // True when it was opened in time.
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace fealty::jobs
