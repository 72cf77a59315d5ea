// One reversing job of members on one node: every row of the original is taken back whole, or refused with all its
// conflicts.
#pragma once
#include <unordered_map>

#include "members/bulk_columns.h"
#include "members/dry_run.h"
#include "members/member_changes.h"
#include "members/removal_store.h"

namespace fealty::members {

class RevertSession final : public jobs::BulkSession {
 public:
  RevertSession(jobs::ReversalFacts facts, NumberSource& numbers, std::string const& scratch_folder);

  // Its rows are known by their numbers: there is nothing to look up.
  void look_up(std::span<jobs::InputRow>) override {}
  void prepare(std::span<jobs::InputRow const> rows) override { rows_ = rows; }
  void apply(sql::Tx& tx, jobs::ApplyFrame const& frame, std::vector<jobs::RowOutcome>& outcomes) override;
  jobs::NumbersDrawn numbers_drawn() const override { return drawn_; }
  // What the original did is known, whatever its reversal has come to.
  bool depends_on(jobs::BulkSession const&) const override { return false; }
  void committed() override;

 private:
  // A membership that a row made, and whether nothing but the job and its reversals ever touched it.
  struct Made {
    MadeMembership facts;
    bool untouched = true;
  };
  struct Evaluation;

  void load_made(sql::Tx& tx, Evaluation& e, std::vector<MemberNo> const& made);
  void follow_chains(sql::Tx& tx, Evaluation& e, std::vector<ChainHead> heads);
  void load_identifiers(Evaluation& e);
  jobs::RowOutcome evaluate_row(Evaluation& e, jobs::InputRow const& row);
  bool may_be_removed(Evaluation& e, std::size_t person);
  void remove(sql::Tx& tx, Evaluation& e);

  jobs::ReversalFacts facts_;
  NumberSource& numbers_;
  std::optional<DryRun> dry_run_;
  std::span<jobs::InputRow const> rows_;
  jobs::NumbersDrawn drawn_;
};

// What a job changed, read back (jobs/bulk_kind.h).
void read_recorded(sql::Tx& tx, jobs::JobFacts const& job, std::span<jobs::NumberRange const> ranges, std::pmr::memory_resource& arena,
                   std::vector<jobs::RecordedChange>& out);
std::vector<jobs::RowKey> read_people(sql::Tx& tx, CommunityNo community, std::span<MemberNo const> people);

}  // namespace fealty::members
