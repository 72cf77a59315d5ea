// The services behind the API, put together for a running server.
#pragma once
#include "access/api_log.h"
#include "access/audit_log.h"
#include "app/identity_wiring.h"
#include "app/installation.h"
#include "identity/access_levels.h"
#include "identity/secure_auth.h"
#include "jobs/bulk_service.h"
#include "ledger/currencies.h"
#include "members/administrators.h"
#include "members/avatars.h"
#include "members/balances.h"
#include "members/community_settings.h"
#include "members/entries.h"
#include "members/erasure.h"
#include "members/histories.h"
#include "members/history_upkeep.h"
#include "members/joining.h"
#include "members/moderation.h"
#include "members/profiles.h"
#include "members/roles.h"
#include "members/segments.h"
#include "members/servers.h"
#include "members/user_fields.h"
#include "members/users.h"

namespace fealty::app {

// Built in this order, torn down in reverse.
struct Services {
  Services(ServeSettings const& settings, int password_threads, sql::Database& database, NumberSource& numbers, access::KeyService& keys);

  // All routes of the API but those of bulk jobs and of the program itself.
  std::vector<api::Route> routes(jobs::BulkService& bulk);
  void start();
  void stop();

  sql::Database& database;
  access::KeyService& keys;
  Identity identity;
  members::BalancesService balances;
  members::EntriesService entries;
  members::UsersService users;
  members::ModerationService moderation;
  members::UserFieldsService user_fields;
  members::HistoriesService histories;
  members::HistoryUpkeep history_upkeep;
  members::SegmentsService segments;
  members::ProfileService profiles;
  members::AvatarFiles avatar_files;
  members::Erasure erasure;
  members::AvatarService avatars;
  members::JoiningService joining;
  members::ServersService servers;
  members::CommunitySettingsService settings;
  members::RolesService roles;
  members::TagsService tags;
  members::AdministratorsService administrators;
  ledger::CurrencyService currencies;
  access::ApiLog api_log;
  access::ApiLogReader api_log_reader;
  access::AuditLog audit_log;
  identity::AccessLevelService access_levels;
  identity::SecureAuth secure_auth;
};

}  // namespace fealty::app
