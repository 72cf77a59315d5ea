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
};

std::optional<StoredKey> find_key_by_hash(sql::Tx& tx, std::string_view hash);
std::optional<StoredKey> find_key(sql::Tx& tx, CommunityNo community, KeyNo number);
// Until the transaction ends nobody else makes keys of this community: names and number are checked, then one is inserted.
void lock_keys(sql::Tx& tx, CommunityNo community);
std::vector<StoredKey> list_keys(sql::Tx& tx, CommunityNo community);
void insert_key(sql::Tx& tx, CommunityNo community, KeyNo number, NewKey const& key, std::string_view prefix, std::string_view hash,
                TimeMs now, std::optional<TimeMs> expires_at, std::string_view created_by);
void mark_revoked(sql::Tx& tx, CommunityNo community, KeyNo number, TimeMs now);
std::optional<TimeMs> community_created_at(sql::Tx& tx, CommunityNo community);

}  // namespace fealty::access
