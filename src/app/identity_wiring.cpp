#include "app/identity_wiring.h"

#include <filesystem>

#include "app/demo.h"
#include "app/installation.h"
#include "base/log.h"

namespace fealty::app {
namespace {

constexpr std::int64_t kCleanEveryMs = 5 * 60'000;

access::SessionKeys open_session_keys(sql::Database& database, access::Vault const& vault) {
  try {
    return {database, vault, system_now()};
  } catch (access::VaultError const& e) {
    throw OperatorError(e.what());
  }
}

}  // namespace

std::string secret_file(StorageSettings const& s) { return s.secret_file.empty() ? s.data + "/secret.key" : s.secret_file; }

access::Vault open_vault(StorageSettings const& s, sql::Database& database) {
  try {
    bool const make = !access::has_signing_keys(database);
    auto const file = secret_file(s);
    if (!make && !std::filesystem::exists(file))
      throw OperatorError("The secret file " + file +
                          " is missing, and the database holds keys that were enciphered with it. Bring it back from the other nodes or "
                          "from the backup, or name it with --secret-file.");
    return access::Vault::from_file(file, make);
  } catch (access::VaultError const& e) {
    throw OperatorError(e.what());
  }
}

members::WhoCreates who_creates(ServeSettings const& s) {
  return s.community_creation == "claimed" ? members::WhoCreates::claimed : members::WhoCreates::operators;
}

Identity::Identity(ServeSettings const& settings, int password_threads, sql::Database& database, NumberSource& numbers,
                   access::Authenticator& keys)
    : database_(database),
      numbers_(numbers),
      vault_(open_vault(settings.storage, database)),
      session_keys_(open_session_keys(database, vault_)),
      hasher_(password_threads),
      gate_(database, keys, session_keys_),
      sign_in_({database, numbers, hasher_, session_keys_, vault_}),
      registrations_({database, numbers, hasher_, session_keys_, vault_}),
      own_account_({database, numbers, hasher_, session_keys_, vault_, who_creates(settings)}),
      setup_({database, numbers, hasher_, session_keys_, vault_}, settings.behind_proxy,
             [&database, &numbers](CommunityNo community, access::Actor const& actor, TimeMs now) {
               return make_demo(database, numbers, community, actor, now);
             }) {}

std::vector<api::Route> Identity::routes() {
  auto all = identity::auth_routes(sign_in_, registrations_, own_account_, hasher_);
  for (auto& route : identity::account_routes(own_account_, hasher_)) all.push_back(std::move(route));
  for (auto& route : identity::setup_routes(setup_, hasher_)) all.push_back(std::move(route));
  return all;
}

void Identity::start() {
  background_.start([this] { run(); });
}

void Identity::run() {
  do {
    try {
      session_keys_.keep_fresh(system_now());
      identity::clean_accounts(database_, numbers_, system_now());
    } catch (std::exception const& e) {
      log::warning("identity.clean_up_failed", {{"reason", e.what()}});
    }
  } while (background_.wait(kCleanEveryMs));
}

}  // namespace fealty::app
