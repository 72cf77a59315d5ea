// SQL and row mapping of api_keys.
#pragma once
#include "access/keys.h"

namespace fealty::access {

struct StoredKey {
  CommunityNo community;
  TimeMs community_created_at = 0;
  KeyNo number;
  KeySummary summary;
  std::string hash;
  MemberNo account;  // user keys
  TimeMs account_created_at = 0;
  bool member_is_active = false;  // user keys: at the time that was given to find_key_by_hash
  TimeMs period_from = 0;
  std::optional<TimeMs> expire_date;
};

// `now`: when the person of a user key must be an active member.
std::optional<StoredKey> find_key_by_hash(sql::Tx& tx, std::string_view hash, TimeMs now);
std::optional<StoredKey> find_key(sql::Tx& tx, CommunityNo community, KeyNo number);
// A key of this person, whatever its community.
std::optional<StoredKey> find_user_key(sql::Tx& tx, MemberNo account, KeyNo number);
// Until the transaction ends nobody else makes keys of this holder: names and number are checked, then one is inserted.
void lock_keys(sql::Tx& tx, CommunityNo community);
void lock_user_keys(sql::Tx& tx, MemberNo account);
std::vector<StoredKey> list_keys(sql::Tx& tx, CommunityNo community);
std::vector<StoredKey> list_user_keys(sql::Tx& tx, MemberNo account);

void insert_key(sql::Tx& tx, CommunityNo community, KeyNo number, NewKey const& key, std::string_view prefix, std::string_view hash,
                TimeMs now, std::optional<TimeMs> expires_at, std::string_view created_by);
// Name, permissions, ends, networks, channels and activity.
void update_key(sql::Tx& tx, StoredKey const& key, TimeMs now);
void mark_revoked(sql::Tx& tx, CommunityNo community, KeyNo number, TimeMs now);
void mark_replaced(sql::Tx& tx, CommunityNo community, KeyNo number, KeyNo by, TimeMs expires_at, TimeMs now);
std::optional<TimeMs> community_created_at(sql::Tx& tx, CommunityNo community);
bool member_is_active(sql::Tx& tx, CommunityNo community, MemberNo account, TimeMs now);

}  // namespace fealty::access
