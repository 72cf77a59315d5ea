// The first start: an installation without any account takes its first one, with the community that it owns, from who can read
// the program's console or sits at the machine itself.
#pragma once
#include <atomic>
#include <functional>

#include "identity/accounts.h"

namespace fealty::identity {

namespace errors {
inline constexpr ErrorDef kAlreadySetUp{"already_set_up", 409};
inline constexpr ErrorDef kSetupCodeWrong{"setup_code_wrong", 403};
}  // namespace errors

struct SetupStateOut {
  bool needed = false, codeRequired = false;
};
struct SetupInstallationIn {
  std::string email, username, password;
  std::optional<std::string> confirmPassword;
  std::string firstname, lastname;
  std::optional<std::string> displayname;
  std::string title;
  std::optional<std::string> timeZone;
  std::optional<bool> demo;
  std::optional<std::string> code;
};
struct SetupCommunity {
  std::string _id, title;
};
struct SetupDemo {
  std::int64_t members = 0;
  bool complete = true;
};
struct InstallationOut {
  LoginUser user;
  SetupCommunity community;
  std::optional<SetupDemo> demo;
};

// Fills a community with people to look at; gives how many it made. Throws what storage throws, after some of them perhaps.
using MakeDemo = std::function<std::int64_t(CommunityNo, access::Actor const&, TimeMs now)>;

// Any thread.
class FirstSetup {
 public:
  // `behind_proxy`: somebody stands in front of this server, so that loopback says nothing about who asks.
  FirstSetup(Parts parts, bool behind_proxy, MakeDemo make_demo)
      : parts_(parts), behind_proxy_(behind_proxy), make_demo_(std::move(make_demo)) {}

  bool is_needed();
  // The same on every node of the installation, from its secret: 100 bits that the console shows as long as they are needed.
  std::string code() const;
  SetupStateOut state(api::Request const& request);

  struct Done {
    InstallationOut answer;
    access::IssuedSession session;
  };
  // Once: of two at the same time one is told 409. `issues`: what is wrong with the body's form already.
  Result<Done> run(api::Context const& context, api::Request const& request, SetupInstallationIn const& in, std::vector<Issue> issues);

 private:
  bool needs_code(api::Request const& request) const;
  Parts parts_;
  bool behind_proxy_;
  MakeDemo make_demo_;
  std::atomic<bool> is_done_{false};  // accounts never go to none again
};

std::vector<api::Route> setup_routes(FirstSetup& setup, access::PasswordHasher& hasher);

}  // namespace fealty::identity

#define FEALTY_F(T, name, ...) field<&fealty::identity::T::name>(#name, __VA_ARGS__)
FEALTY_SCHEMA(fealty::identity::SetupStateOut, FEALTY_F(SetupStateOut, needed, "There is no account yet."),
              FEALTY_F(SetupStateOut, codeRequired, "The setup needs the code that the server printed at its start."))
FEALTY_SCHEMA(fealty::identity::SetupInstallationIn,
              FEALTY_F(SetupInstallationIn, email, "E-mail address of the owner.", {.format = "email", .required = true}),
              FEALTY_F(SetupInstallationIn, username, "3 to 50 of A-Z a-z 0-9 . _ -.", {.required = true}),
              FEALTY_F(SetupInstallationIn, password,
                       "8 to 128 characters with a special one; not the username, the e-mail or a common password.",
                       {.max = fealty::identity::kTextMax, .required = true}),
              FEALTY_F(SetupInstallationIn, confirmPassword, "The password once more; may be left out.",
                       {.max = fealty::identity::kTextMax}),
              FEALTY_F(SetupInstallationIn, firstname, "First name.", {.min = 1, .max = 50, .required = true}),
              FEALTY_F(SetupInstallationIn, lastname, "Last name.", {.min = 1, .max = 50, .required = true}),
              FEALTY_F(SetupInstallationIn, displayname, "What other members see; first and last name when absent.", {.min = 1, .max = 50}),
              FEALTY_F(SetupInstallationIn, title, "Title of the first community.", {.min = 1, .max = 100, .required = true}),
              FEALTY_F(SetupInstallationIn, timeZone, "IANA time zone whose midnight begins a day; UTC when absent.",
                       {.example = "\"Europe/Berlin\""}),
              FEALTY_F(SetupInstallationIn, demo, "Fills the community with people to look at."),
              FEALTY_F(SetupInstallationIn, code, "The code that the server printed at its start.", {.max = 100}))
FEALTY_SCHEMA(fealty::identity::SetupCommunity, FEALTY_F(SetupCommunity, _id, "Id of the community."),
              FEALTY_F(SetupCommunity, title, "Title."))
FEALTY_SCHEMA(fealty::identity::SetupDemo, FEALTY_F(SetupDemo, members, "Members that were made."),
              FEALTY_F(SetupDemo, complete, "false: something went wrong on the way; the log says what."))
FEALTY_SCHEMA(fealty::identity::InstallationOut,
              FEALTY_F(InstallationOut, user, "The owner, who is signed in by the cookie of this answer."),
              FEALTY_F(InstallationOut, community, "The first community."), FEALTY_F(InstallationOut, demo, "null: not asked for."))
#undef FEALTY_F
