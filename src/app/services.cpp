#include "app/services.h"

#include "access/key_routes.h"
#include "jobs/job_log.h"

namespace fealty::app {

Services::Services(ServeSettings const& settings_, int password_threads, sql::Database& database_, NumberSource& numbers,
                   access::KeyService& keys_)
    : database(database_),
      keys(keys_),
      identity(settings_, password_threads, database, numbers, keys),
      balances(database, numbers),
      entries(database, numbers),
      users(database, numbers, identity.hasher()),
      moderation(database, numbers),
      user_fields(database, numbers, settings_.limits.custom_fields_max),
      histories(database, numbers),
      history_upkeep(database, numbers, system_now),
      segments(database, numbers),
      profiles(database, numbers),
      avatar_files(avatars_folder(settings_.storage)),
      erasure(database, numbers, avatar_files, system_now),
      avatars(database, numbers, avatar_files),
      joining(database, numbers),
      servers(database, numbers, who_creates(settings_)),
      settings(database, numbers),
      roles(database, numbers),
      tags(database, numbers),
      administrators(database, numbers),
      currencies(database, numbers),
      api_log(database, numbers),
      api_log_reader(database, jobs::job_log()),
      audit_log(database),
      access_levels(database, numbers),
      secure_auth(database, numbers, identity.session_keys()) {}

std::vector<api::Route> Services::routes(jobs::BulkService& bulk) {
  std::vector<api::Route> all = identity.routes();
  auto add = [&](std::vector<api::Route> more) {
    for (auto& route : more) all.push_back(std::move(route));
  };
  add(access::key_routes(keys, database,
                         [&bulk](CommunityNo community, std::string_view prefix) { return bulk.open_jobs_of(community, prefix); }));
  add(identity::access_level_routes(access_levels));
  add(identity::secure_auth_routes(secure_auth));
  add(members::balances_routes(balances));
  add(members::entries_routes(entries));
  add(members::users_routes(users, identity.hasher()));
  add(members::moderation_routes(moderation));
  add(members::user_fields_routes(user_fields));
  add(members::histories_routes(histories));
  add(members::segments_routes(segments));
  add(members::profile_routes(profiles));
  add(members::avatar_routes(avatars));
  add(members::joining_routes(joining));
  add(members::servers_routes(servers));
  add(members::community_settings_routes(settings));
  add(members::roles_routes(roles));
  add(members::tags_routes(tags));
  add(members::administrators_routes(administrators));
  add(ledger::currency_routes(currencies));
  add(access::api_log_routes(api_log_reader));
  add(access::audit_log_routes(audit_log));
  return all;
}

void Services::start() {
  identity.start();
  erasure.start();
  history_upkeep.start();
  api_log.start();
}

void Services::stop() {
  identity.stop();
  erasure.stop();
  history_upkeep.stop();
  api_log.stop();
}

}  // namespace fealty::app
