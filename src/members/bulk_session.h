// One bulk job of members on one node: look-ups, the evaluation of rows, their effects.
#pragma once
#include <memory_resource>
#include <unordered_map>
#include <unordered_set>

#include "jobs/bulk_kind.h"
#include "members/bulk_columns.h"
#include "members/dry_run.h"
#include "members/member_changes.h"

namespace fealty::members {

class MemberBulkSession final : public jobs::BulkSession {
 public:
  MemberBulkSession(BulkFlavour flavour, jobs::JobFacts job, sql::Database& database, NumberSource& numbers,
                    std::string const& scratch_folder);

  void look_up(std::span<jobs::InputRow> rows) override;
  void prepare(std::span<jobs::InputRow const> rows) override;
  void apply(sql::Tx& tx, jobs::ApplyFrame const& frame, std::vector<jobs::RowOutcome>& outcomes) override;
  bool depends_on(jobs::BulkSession const& earlier) const override;
  jobs::NumbersDrawn numbers_drawn() const override { return drawn_; }
  void committed() override;

 private:
  // What a row's key cells say, and whom they name.
  struct RowKeys {
    std::string_view email, email_key, username, username_key, user_ref;  // in the rows or in texts_
    MemberNo by_email, by_username, by_user_ref;
    std::vector<jobs::RowIssue> issues;
    std::string_view shown() const { return !email.empty() ? email : !user_ref.empty() ? user_ref : username; }
    MemberNo& named_by(BoundColumn::Role role) {
      return role == BoundColumn::Role::email ? by_email : role == BoundColumn::Role::user_id ? by_user_ref : by_username;
    }
  };
  struct Evaluation;

  void read_keys(std::span<jobs::InputRow const> rows);
  // The text where it lives as long as the rows: in the cell that it came from, or copied.
  std::string_view keep(std::string_view text, std::string_view cell = {});
  void look_up(sql::Tx& tx);
  void draw_account_numbers();
  void lock_ranges(sql::Tx& tx, std::vector<MemberNo> const& members) const;
  void lock_known_accounts(sql::Tx& tx, Evaluation const& e) const;
  MemberNo find_member(MemberChanges& changes, RowKeys const& keys, std::vector<jobs::RowIssue>& issues) const;
  void load_identifiers(MemberChanges& changes, BoundColumns const& bound);
  std::size_t add_member(Evaluation& e, RowKeys const& keys, MemberNo member, MembershipState state, std::string display_name,
                         std::string_view username_key);
  jobs::RowOutcome evaluate_row(Evaluation& e, jobs::InputRow const& row, RowKeys const& keys);
  std::optional<std::size_t> member_of_row(Evaluation& e, RowKeys const& keys, jobs::InputRow const& row, bool& created,
                                           std::vector<jobs::RowIssue>& issues);
  std::optional<std::size_t> person_to_import(Evaluation& e, RowKeys const& keys, jobs::InputRow const& row, bool& created,
                                              std::vector<jobs::RowIssue>& issues);
  void evaluate_cells(Evaluation& e, jobs::InputRow const& row, std::optional<std::size_t> person, std::vector<jobs::RowIssue>& issues,
                      std::vector<SlotChange>& changes);

  BulkFlavour flavour_;
  jobs::JobFacts job_;
  sql::Database& database_;
  NumberSource& numbers_;
  std::optional<DryRun> dry_run_;

  BoundColumns keys_bound_;  // key columns only: they do not change while the job runs
  struct KeyColumn {
    std::size_t column;
    BoundColumn::Role role;
  };
  std::vector<KeyColumn> key_columns_;
  std::span<jobs::InputRow const> rows_;
  std::vector<RowKeys> keys_;
  std::unique_ptr<std::pmr::monotonic_buffer_resource> texts_;
  std::unordered_map<std::string_view, Account> accounts_by_email_;  // import: by email key
  std::unordered_map<std::string_view, MemberNo> usernames_taken_;   // import: by username key
  std::unordered_map<std::string_view, MemberNo> new_numbers_;       // import: drawn for unknown email keys
  std::unordered_set<std::string_view> usernames_free_;              // import: username keys that nobody had
  jobs::NumbersDrawn drawn_;
};

}  // namespace fealty::members
