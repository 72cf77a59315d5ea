// SQL and row mapping of accounts' own things: credentials, community passwords, registrations. These are of people, not of
// communities: only what names a community takes one.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "members/members.h"
#include "sql/sql.h"

namespace fealty::identity {

struct AccountRow {
  MemberNo number;
  members::AccountState state = members::AccountState::unclaimed;
  std::string email, username;
  TimeMs created_at = 0;
  std::string password_hash;                 // empty: none
  std::string totp_secret, recovery_hashes;  // enciphered
  std::optional<TimeMs> totp_confirmed_at;
  std::int64_t totp_last_step = 0;
  std::optional<TimeMs> email_verified_at;
  std::string pending_email, language = "en";
  std::optional<TimeMs> delete_after;

  PublicId id() const { return PublicId::of(number.value, created_at); }
};
// Of anybody, in whatever state.
bool has_accounts(sql::Tx& tx);
std::optional<AccountRow> account_by_email(sql::Tx& tx, std::string_view email);
std::optional<AccountRow> account_by_username(sql::Tx& tx, std::string_view username);
std::optional<AccountRow> account_by_number(sql::Tx& tx, MemberNo number);
// The same, locked until the transaction ends.
std::optional<AccountRow> lock_account(sql::Tx& tx, MemberNo number);

void set_state(sql::Tx& tx, MemberNo account, members::AccountState state);
void set_username(sql::Tx& tx, MemberNo account, std::string_view username);
void set_email(sql::Tx& tx, MemberNo account, std::string_view email);

// Each makes the row of credentials when there is none.
void set_password(sql::Tx& tx, MemberNo account, std::string_view hash, TimeMs now);
void set_operator(sql::Tx& tx, MemberNo account, bool is_operator, TimeMs now);
void set_email_verified(sql::Tx& tx, MemberNo account, TimeMs now);
void set_pending_email(sql::Tx& tx, MemberNo account, std::optional<std::string_view> email);
void set_totp(sql::Tx& tx, MemberNo account, std::optional<std::string_view> sealed_secret);
void confirm_totp(sql::Tx& tx, MemberNo account, std::string_view sealed_recovery_hashes, std::int64_t step, TimeMs now);
// False when this step, or a later one, was used already.
bool use_totp_step(sql::Tx& tx, MemberNo account, std::int64_t step);
// False when the codes are not what they were a moment ago.
bool replace_recovery_hashes(sql::Tx& tx, MemberNo account, std::string_view from, std::string_view to);
void set_delete_after(sql::Tx& tx, MemberNo account, std::optional<TimeMs> time);
std::vector<MemberNo> accounts_to_delete(sql::Tx& tx, TimeMs now, int at_most);
// What is left of an account that was deleted: a number whose names are free again.
void erase_account(sql::Tx& tx, MemberNo account);

// The communities' own passwords for one person.
struct CommunityPassword {
  CommunityNo community;
  std::string hash;
};
std::vector<CommunityPassword> community_passwords(sql::Tx& tx, MemberNo account);
void remove_community_passwords(sql::Tx& tx, MemberNo account);
void revoke_user_keys(sql::Tx& tx, MemberNo account, TimeMs now);

// Memberships of a person: its own, on its own behalf.
struct OwnMembership {
  CommunityNo community;
  PublicId community_id;
  std::string title, display_name;
  members::MembershipState state = members::MembershipState::active;
  std::optional<TimeMs> until;
  bool is_owner = false, is_administrator = false;  // the latter by a role
  std::string time_zone;
  bool second_factor_required = false;  // of owners and administrators
};
std::vector<OwnMembership> memberships_of(sql::Tx& tx, MemberNo account);

// The membership is left by its holder's own will, unless it is over already.
void leave(sql::Tx& tx, CommunityNo community, MemberNo member, TimeMs now);

struct CommunityDoor {
  CommunityNo number;
  PublicId id;
  bool open_registration = false;
};
std::optional<CommunityDoor> door_of(sql::Tx& tx, CommunityNo community);
std::optional<CommunityDoor> door_of_host(sql::Tx& tx, std::string_view host);

struct Registration {
  std::int64_t number = 0;
  CommunityNo community;
  MemberNo account;  // the number that the account will have
  std::string email, username, first_name, last_name, display_name, password_hash;
  std::optional<std::int64_t> access_level;
  std::string referral;
  bool by_key = false;
  TimeMs created_at = 0, expires_at = 0;

  PublicId id() const { return PublicId::of(account.value, created_at); }
};
std::optional<Registration> registration_by_email(sql::Tx& tx, std::string_view email);
// One that a key made and that waits for its verification.
bool username_waits(sql::Tx& tx, std::string_view username, std::string_view but_email, TimeMs now);
void put_registration(sql::Tx& tx, Registration const& registration);
void remove_registration(sql::Tx& tx, std::string_view email);
std::int64_t remove_late_registrations(sql::Tx& tx, TimeMs now);

}  // namespace fealty::identity
