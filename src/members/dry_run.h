// The memory of a dry run: what earlier rows of the file would have changed, seen by later ones. It lies in a scratch
// database of its own, so that a run over a million members takes no more memory than one over ten.
#pragma once
#include <memory>
#include <string>
#include <unordered_map>

#include "members/member_changes.h"

namespace fealty::members {

struct ImaginedAccount {
  std::string email_key, username_key;
  MemberNo member;
  MembershipState state = MembershipState::active;
  std::string display_name;
};

class DryRun {
 public:
  explicit DryRun(std::string const& scratch_folder);
  ~DryRun();
  DryRun(DryRun const&) = delete;
  DryRun& operator=(DryRun const&) = delete;

  // Lays the imagined states over the loaded ones.
  void overlay(MemberChanges& changes, std::vector<MemberNo> const& members);
  // Keeps the states that the kept changes lead to, and the people that were imagined.
  void stage(MemberChanges& changes, std::vector<ImaginedAccount> accounts);
  void commit();
  // Accounts that earlier rows would have made or brought into the community.
  void find_by_email(std::vector<std::string> const& email_keys, std::function<void(ImaginedAccount const&)> const& on_found);
  void find_by_username(std::vector<std::string> const& username_keys, std::function<void(ImaginedAccount const&)> const& on_found);
  // Who would hold these values of an identifier field; none where the holder would have given the value up.
  void find_identifiers(FieldNo field, std::vector<std::string> const& value_keys,
                        std::function<void(std::string, MemberNo)> const& on_found);
  // Members that exist in the imagination only have numbers below zero.
  MemberNo next_imagined() { return {-++imagined_}; }

 private:
  struct Staged {
    MemberNo member;
    std::int64_t slot_key;
    SlotState state;
  };
  std::string path_;
  std::unique_ptr<sql::Database> scratch_;
  std::vector<Staged> staged_;
  std::vector<ImaginedAccount> staged_accounts_;
  std::map<std::pair<FieldNo, std::string>, MemberNo> staged_identifiers_;
  std::int64_t imagined_ = 0;
};

}  // namespace fealty::members
