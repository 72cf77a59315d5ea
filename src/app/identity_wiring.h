// The parts that sign people in, put together for a running server.
#pragma once
#include "access/gate.h"
#include "app/settings.h"
#include "base/background.h"
#include "identity/accounts.h"
#include "identity/setup.h"

namespace fealty::app {

// The installation's secret. It is made at the first start; an installation that has stored something with it does not start
// without it. Throws OperatorError.
access::Vault open_vault(StorageSettings const& settings, sql::Database& database);
std::string secret_file(StorageSettings const& settings);

members::WhoCreates who_creates(ServeSettings const& settings);

class Identity {
 public:
  Identity(ServeSettings const& settings, int password_threads, sql::Database& database, NumberSource& numbers,
           access::Authenticator& keys);

  access::Gate& gate() { return gate_; }
  access::SessionKeys& session_keys() { return session_keys_; }
  access::PasswordHasher& hasher() { return hasher_; }
  identity::FirstSetup& setup() { return setup_; }
  std::vector<api::Route> routes();

  // Removes what is over, on a thread of its own, every few minutes.
  void start();
  void stop() { background_.stop(); }

 private:
  void run();

  sql::Database& database_;
  NumberSource& numbers_;
  access::Vault vault_;
  access::SessionKeys session_keys_;
  access::PasswordHasher hasher_;
  access::Gate gate_;
  identity::SignIn sign_in_;
  identity::Registrations registrations_;
  identity::OwnAccount own_account_;
  identity::FirstSetup setup_;
  Background background_;  // the last: it stops before the rest goes
};

}  // namespace fealty::app
