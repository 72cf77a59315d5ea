// What the operations of all kinds of keys share: reading, and answers. Behind the routes (key_routes.cpp).
#pragma once
#include "access/key_api.h"
#include "access/once.h"

namespace fealty::access {

class KeyReader;

class KeyDesk {
 public:
  KeyDesk(KeyService& keys, sql::Database& database, OpenJobsOfKey open_jobs)
      : keys_(keys), database_(database), open_jobs_(std::move(open_jobs)) {}

  Result<api::Answer> create_community_key(api::Context& c, api::Request const& request);
  Result<api::Answer> create_user_key(api::Context& c, api::Request const& request);
  Result<api::Answer> list(KeyHolder const& holder, std::int64_t page, std::int64_t limit, std::optional<std::string> const& sort);
  Result<api::Answer> get(KeyHolder const& holder, Result<PublicId> const& id);
  Result<api::Answer> update(api::Context& c, api::Request const& request, KeyHolder const& holder, Result<PublicId> const& id);
  Result<api::Answer> remove(api::Context& c, KeyHolder const& holder, Result<PublicId> const& id);
  Result<api::Answer> rotate(api::Context& c, api::Request const& request, KeyHolder const& holder, std::optional<PublicId> id,
                             char const* message);
  Result<KeyInfoOut> info(KeyHolder const& holder, PublicId id);
  Result<api::Answer> system_key(KeyHolder const& holder);

 private:
  UserKeyIn read_user_key(api::Request const& request, KeyReader& reader);
  Result<CommunityNo> community_of(api::Context const& c, std::string const& id);
  Result<api::Answer> create(api::Context& c, KeyHolder const& holder, CommunityNo community, NewKey const& key,
                             std::optional<OnceKey> const& once);

  KeyService& keys_;
  sql::Database& database_;
  OpenJobsOfKey open_jobs_;
};

}  // namespace fealty::access
