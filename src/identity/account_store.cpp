#include "identity/account_store.h"

#include "base/text.h"

namespace fealty::identity {
namespace {

using sql::Blob;
using sql::Row;
using sql::Statement;

#define ACCOUNT_COLUMNS                                                                                                      \
  "SELECT a.account_id, a.state, a.email, a.username, a.created_at, k.password_hash, k.totp_secret, k.recovery_hashes, "     \
  "k.totp_confirmed_at, k.totp_last_step, k.email_verified_at, k.pending_email, k.language, k.delete_after FROM accounts a " \
  "LEFT JOIN account_credentials k ON k.account_id = a.account_id "
Statement const kByEmail{"account.by_email", ACCOUNT_COLUMNS "WHERE a.email_key = $1"};
Statement const kByUsername{"account.by_username", ACCOUNT_COLUMNS "WHERE a.username_key = $1"};
Statement const kByNumber{"account.by_number", ACCOUNT_COLUMNS "WHERE a.account_id = $1"};
#undef ACCOUNT_COLUMNS
Statement const kLock{"account.lock", "SELECT a.account_id FROM accounts a WHERE a.account_id = $1 {lock a}"};
Statement const kSetState{"account.set_state", "UPDATE accounts SET state = $2 WHERE account_id = $1"};
Statement const kSetUsername{"account.set_username", "UPDATE accounts SET username = $2, username_key = $3 WHERE account_id = $1"};
Statement const kSetEmail{"account.set_email", "UPDATE accounts SET email = $2, email_key = $3 WHERE account_id = $1"};

#define ENSURE "INSERT INTO account_credentials (account_id, "
Statement const kSetPassword{"credentials.set_password", ENSURE
                             "password_hash, changed_at) VALUES ($1, $2, $3) ON CONFLICT (account_id) DO UPDATE SET "
                             "password_hash = excluded.password_hash, changed_at = excluded.changed_at"};
Statement const kSetVerified{"credentials.set_verified", ENSURE
                             "email_verified_at) VALUES ($1, $2) ON CONFLICT (account_id) DO UPDATE SET "
                             "email_verified_at = excluded.email_verified_at"};
Statement const kSetOperator{"credentials.set_operator",
                             "INSERT INTO account_credentials (account_id, is_operator, changed_at) VALUES ($1, $2, $3) "
                             "ON CONFLICT (account_id) DO UPDATE SET is_operator = excluded.is_operator"};
Statement const kAnyAccount{"accounts.any", "SELECT account_id FROM accounts LIMIT 1"};
Statement const kSetPending{"credentials.set_pending", ENSURE
                            "pending_email) VALUES ($1, $2) ON CONFLICT (account_id) DO UPDATE SET "
                            "pending_email = excluded.pending_email"};
Statement const kSetTotp{"credentials.set_totp", ENSURE
                         "totp_secret) VALUES ($1, $2) ON CONFLICT (account_id) DO UPDATE SET totp_secret = excluded.totp_secret, "
                         "totp_confirmed_at = NULL, totp_last_step = 0, recovery_hashes = NULL"};
Statement const kSetDeleteAfter{"credentials.set_delete_after", ENSURE
                                "delete_after) VALUES ($1, $2) ON CONFLICT (account_id) DO UPDATE SET "
                                "delete_after = excluded.delete_after"};
#undef ENSURE
Statement const kConfirmTotp{"credentials.confirm_totp",
                             "UPDATE account_credentials SET totp_confirmed_at = $4, totp_last_step = $3, recovery_hashes = $2 "
                             "WHERE account_id = $1"};
Statement const kUseStep{"credentials.use_step",
                         "UPDATE account_credentials SET totp_last_step = $2 WHERE account_id = $1 AND totp_last_step < $2"};
Statement const kReplaceRecovery{"credentials.replace_recovery",
                                 "UPDATE account_credentials SET recovery_hashes = $3 WHERE account_id = $1 AND recovery_hashes = $2"};
Statement const kToDelete{"credentials.to_delete",
                          "SELECT account_id FROM account_credentials WHERE delete_after <= $1 ORDER BY account_id LIMIT $2"};
Statement const kEraseCredentials{"credentials.erase", "DELETE FROM account_credentials WHERE account_id = $1"};
Statement const kEraseAccount{"account.erase",
                              "UPDATE accounts SET state = 2, email = $2, email_key = $2, username = $3, username_key = $3 "
                              "WHERE account_id = $1"};

Statement const kPasswords{"community_passwords.of",
                           "SELECT community_id, password_hash FROM community_passwords WHERE member_id = $1 "
                           "ORDER BY created_at DESC, community_id"};
Statement const kRemovePasswords{"community_passwords.remove", "DELETE FROM community_passwords WHERE member_id = $1"};
Statement const kRevokeKeys{"user_keys.revoke_all",
                            "UPDATE api_keys SET revoked_at = $2 WHERE account_id = $1 AND account_id <> 0 AND revoked_at IS NULL"};
// Bit 6 of serverPermissions is server_administrator (community.md).
Statement const kMemberships{"account.memberships",
                             "SELECT m.community_id, c.created_at, c.title, m.display_name, m.state, m.state_until, c.owner_id, "
                             "(SELECT count(*) FROM member_roles r JOIN roles o ON o.community_id = r.community_id AND "
                             "o.role_id = r.role_id WHERE r.community_id = m.community_id AND r.member_id = m.member_id "
                             "AND (o.server_permissions & 64) <> 0), c.time_zone, c.second_factor_required "
                             "FROM memberships m JOIN communities c ON c.community_id = m.community_id WHERE m.member_id = $1 "
                             "ORDER BY m.community_id"};
// Who is banned stays banned.
Statement const kLeave{"memberships.leave",
                       "UPDATE memberships SET state = 4, deleted_at = $3, left_by_self = 1 WHERE community_id = $1 AND member_id = $2 "
                       "AND state NOT IN (3, 4)"};
#define DOOR "SELECT community_id, created_at, open_registration FROM communities "
Statement const kDoor{"communities.door", DOOR "WHERE community_id = $1"};
Statement const kDoorOfHost{"communities.door_of_host", DOOR "WHERE host = $1"};
#undef DOOR

Statement const kRegistration{"registrations.by_email",
                              "SELECT registration_id, community_id, account_id, email, username, first_name, last_name, display_name, "
                              "password_hash, access_level, referral, by_key, created_at, expires_at FROM registrations "
                              "WHERE email_key = $1"};
Statement const kUsernameWaits{"registrations.username_waits",
                               "SELECT count(*) FROM registrations WHERE username_key = $1 AND email_key <> $2 AND by_key = 1 "
                               "AND expires_at > $3"};
Statement const kPut{
    "registrations.put",
    "INSERT INTO registrations (email_key, registration_id, community_id, account_id, email, username, username_key, first_name, "
    "last_name, display_name, password_hash, access_level, referral, by_key, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, "
    "$8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (email_key) DO UPDATE SET registration_id = excluded.registration_id, "
    "community_id = excluded.community_id, account_id = excluded.account_id, email = excluded.email, username = excluded.username, "
    "username_key = excluded.username_key, first_name = excluded.first_name, last_name = excluded.last_name, "
    "display_name = excluded.display_name, password_hash = excluded.password_hash, access_level = excluded.access_level, "
    "referral = excluded.referral, by_key = excluded.by_key, created_at = excluded.created_at, expires_at = excluded.expires_at"};
Statement const kRemove{"registrations.remove", "DELETE FROM registrations WHERE email_key = $1"};
Statement const kRemoveLate{"registrations.remove_late", "DELETE FROM registrations WHERE expires_at <= $1"};

AccountRow read(Row const& r) {
  AccountRow a;
  a.number = {r.integer(0)};
  a.state = static_cast<members::AccountState>(r.integer(1));
  a.email = r.string(2);
  a.username = r.string(3);
  a.created_at = r.integer(4);
  a.password_hash = r.string(5);
  a.totp_secret = r.string(6);
  a.recovery_hashes = r.string(7);
  a.totp_confirmed_at = r.optional_integer(8);
  a.totp_last_step = r.integer(9);
  a.email_verified_at = r.optional_integer(10);
  a.pending_email = r.string(11);
  if (!r.is_null(12)) a.language = r.string(12);
  a.delete_after = r.optional_integer(13);
  return a;
}

CommunityDoor door(Row const& r) { return {{r.integer(0)}, PublicId::of(r.integer(0), r.integer(1)), r.boolean(2)}; }

}  // namespace

std::optional<AccountRow> account_by_email(sql::Tx& tx, std::string_view email) { return tx.one(kByEmail, read, fold_case(email)); }
std::optional<AccountRow> account_by_username(sql::Tx& tx, std::string_view username) {
  return tx.one(kByUsername, read, fold_case(username));
}
std::optional<AccountRow> account_by_number(sql::Tx& tx, MemberNo number) { return tx.one(kByNumber, read, number); }
std::optional<AccountRow> lock_account(sql::Tx& tx, MemberNo number) {
  tx.each(kLock, [](Row const&) {}, number);
  return account_by_number(tx, number);
}

void set_state(sql::Tx& tx, MemberNo account, members::AccountState state) { tx.exec(kSetState, account, static_cast<int>(state)); }
void set_username(sql::Tx& tx, MemberNo account, std::string_view username) {
  tx.exec(kSetUsername, account, username, fold_case(username));
}
void set_email(sql::Tx& tx, MemberNo account, std::string_view email) { tx.exec(kSetEmail, account, email, fold_case(email)); }

void set_password(sql::Tx& tx, MemberNo account, std::string_view hash, TimeMs now) { tx.exec(kSetPassword, account, hash, now); }
void set_operator(sql::Tx& tx, MemberNo account, bool is_operator, TimeMs now) { tx.exec(kSetOperator, account, is_operator, now); }
bool has_accounts(sql::Tx& tx) {
  return tx.one(kAnyAccount, [](Row const& r) { return r.integer(0); }).has_value();
}
void set_email_verified(sql::Tx& tx, MemberNo account, TimeMs now) { tx.exec(kSetVerified, account, now); }
void set_pending_email(sql::Tx& tx, MemberNo account, std::optional<std::string_view> email) { tx.exec(kSetPending, account, email); }
void set_totp(sql::Tx& tx, MemberNo account, std::optional<std::string_view> sealed) {
  tx.exec(kSetTotp, account, sealed ? std::optional(Blob{*sealed}) : std::nullopt);
}
void confirm_totp(sql::Tx& tx, MemberNo account, std::string_view sealed_hashes, std::int64_t step, TimeMs now) {
  tx.exec(kConfirmTotp, account, Blob{sealed_hashes}, step, now);
}
bool use_totp_step(sql::Tx& tx, MemberNo account, std::int64_t step) { return tx.exec(kUseStep, account, step) == 1; }
bool replace_recovery_hashes(sql::Tx& tx, MemberNo account, std::string_view from, std::string_view to) {
  return tx.exec(kReplaceRecovery, account, Blob{from}, Blob{to}) == 1;
}
void set_delete_after(sql::Tx& tx, MemberNo account, std::optional<TimeMs> time) { tx.exec(kSetDeleteAfter, account, time); }
std::vector<MemberNo> accounts_to_delete(sql::Tx& tx, TimeMs now, int at_most) {
  std::vector<MemberNo> all;
  tx.each(kToDelete, [&](Row const& r) { all.push_back({r.integer(0)}); }, now, at_most);
  return all;
}
void erase_account(sql::Tx& tx, MemberNo account) {
  // No address has a space, and no username: nobody can have or take these.
  auto const number = std::to_string(account.value);
  tx.exec(kEraseAccount, account, "deleted " + number, "deleted " + number);
  tx.exec(kEraseCredentials, account);
}

std::vector<CommunityPassword> community_passwords(sql::Tx& tx, MemberNo account) {
  std::vector<CommunityPassword> all;
  tx.each(kPasswords, [&](Row const& r) { all.push_back({{r.integer(0)}, r.string(1)}); }, account);
  return all;
}
void remove_community_passwords(sql::Tx& tx, MemberNo account) { tx.exec(kRemovePasswords, account); }
void revoke_user_keys(sql::Tx& tx, MemberNo account, TimeMs now) { tx.exec(kRevokeKeys, account, now); }

std::vector<OwnMembership> memberships_of(sql::Tx& tx, MemberNo account) {
  std::vector<OwnMembership> all;
  tx.each(
      kMemberships,
      [&](Row const& r) {
        all.push_back({{r.integer(0)},
                       PublicId::of(r.integer(0), r.integer(1)),
                       r.string(2),
                       r.string(3),
                       static_cast<members::MembershipState>(r.integer(4)),
                       r.optional_integer(5),
                       r.integer(6) == account.value,
                       r.integer(7) > 0,
                       r.string(8),
                       r.boolean(9)});
      },
      account);
  return all;
}

void leave(sql::Tx& tx, CommunityNo community, MemberNo member, TimeMs now) { tx.exec(kLeave, community, member, now); }

std::optional<CommunityDoor> door_of(sql::Tx& tx, CommunityNo community) { return tx.one(kDoor, door, community); }
std::optional<CommunityDoor> door_of_host(sql::Tx& tx, std::string_view host) { return tx.one(kDoorOfHost, door, host); }
std::optional<Registration> registration_by_email(sql::Tx& tx, std::string_view email) {
  return tx.one(
      kRegistration,
      [](Row const& r) {
        return Registration{r.integer(0), {r.integer(1)}, {r.integer(2)},        r.string(3),  r.string(4),   r.string(5),   r.string(6),
                            r.string(7),  r.string(8),    r.optional_integer(9), r.string(10), r.boolean(11), r.integer(12), r.integer(13)};
      },
      fold_case(email));
}
bool username_waits(sql::Tx& tx, std::string_view username, std::string_view but_email, TimeMs now) {
  return tx.one(kUsernameWaits, [](Row const& r) { return r.integer(0); }, fold_case(username), fold_case(but_email), now).value_or(0) > 0;
}
void put_registration(sql::Tx& tx, Registration const& g) {
  tx.exec(kPut, fold_case(g.email), g.number, g.community, g.account, g.email, g.username, fold_case(g.username), g.first_name, g.last_name,
          g.display_name, g.password_hash, g.access_level, g.referral, g.by_key, g.created_at, g.expires_at);
}
void remove_registration(sql::Tx& tx, std::string_view email) { tx.exec(kRemove, fold_case(email)); }
std::int64_t remove_late_registrations(sql::Tx& tx, TimeMs now) { return tx.exec(kRemoveLate, now); }

}  // namespace fealty::identity
