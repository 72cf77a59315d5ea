// What the operations of sign-in and of one's own account take and give.
#pragma once
#include "api/schema.h"
#include "api/typed.h"

namespace fealty::identity {

struct RegisterIn {
  std::string firstname, lastname, username, displayname, email, password, confirmPassword;
  std::optional<std::int64_t> accessLevel;
  std::optional<std::string> referral, communityId;
};
struct RegisteredOut {
  std::optional<std::string> _id, id, username;
  std::string email;
  std::optional<std::string> displayname;
  bool emailVerified = false;
  std::optional<std::string> createdAt;
};
struct VerifyIn {
  std::optional<std::string> email, code, token, password;
};
struct VerifiedOut {
  std::string _id, id, email;
  bool emailVerified = true;
};
struct EmailIn {
  std::string email;
};
struct LoginIn {
  std::optional<std::string> email, username;
  std::string password;
  std::optional<std::string> communityId, session;
};
struct LoginUser {
  std::string _id, id, username, email, displayname;
  bool emailVerified = false;
};
struct LoginOut {
  std::optional<std::string> token, refreshToken;
  std::int64_t expiresIn = 0;
  LoginUser user;
};
struct SecondFactorIn {
  std::string challenge;
  std::optional<std::string> code, recoveryCode, session;
};
struct RefreshIn {
  std::optional<std::string> refreshToken, session;
};
struct TokensOut {
  std::optional<std::string> token, refreshToken;
  std::int64_t expiresIn = 0;
};
struct LogoutIn {
  std::optional<bool> all;
};
struct ClaimIn {
  std::string token, password, confirmPassword;
  std::optional<std::string> username, session;
};
// The same without a username.
struct ResetIn {
  std::string token, password, confirmPassword;
  std::optional<std::string> session;
};
struct AccountOut {
  std::string _id, id, username, email;
  std::optional<std::string> pendingEmail;
  bool emailVerified = false, secondFactor = false;
  std::optional<bool> signedIn;
};
struct MeSession {
  std::string _id, scope;
  std::optional<std::string> communityId;
  bool asMember = false;
  std::string expiresAt;
};
struct MeCommunity {
  std::string _id, title, timeZone;
  std::optional<std::string> role;
  std::string status;
  std::optional<std::string> displayName;
  bool secondFactorRequired = false;
};
struct MeOut {
  std::string _id, id, username, email;
  std::optional<std::string> pendingEmail;
  bool emailVerified = false, secondFactor = false, mayCreateCommunities = false, isOperator = false;
  MeSession session;
  std::vector<MeCommunity> communities;
};
struct ChangeIn {
  std::optional<std::string> email, username, password, confirmPassword;
  std::string currentPassword;
};
struct DeletedOut {
  std::string _id, deleteAfter;
};
struct SessionOut {
  std::string _id;
  std::string device, address;
  std::optional<std::string> communityId;
  std::string createdAt, lastUsedAt;
  bool current = false;
};
struct PasswordIn {
  std::string currentPassword;
};
struct SetupOut {
  std::string secret, url;
};
struct CodeIn {
  std::string code;
};
struct RecoveryOut {
  std::vector<std::string> recoveryCodes;
};
struct DisableIn {
  std::string currentPassword;
  std::optional<std::string> code, recoveryCode;
};

// Longer than any password, so that the rule says what is wrong; short enough to be read at all.
inline constexpr std::int64_t kTextMax = 1'000;
inline constexpr std::string_view kSessionForms[] = {"token", "cookie"};
inline constexpr std::string_view kSessionDoc =
    "cookie: the session becomes an HttpOnly cookie instead of tokens in the answer; for pages of this very host alone.";
inline constexpr std::string_view kAfterLinkDoc =
    "cookie: signs in at once, with an HttpOnly cookie, unless a second factor is asked for; for pages of this very host alone.";
inline constexpr std::string_view kSessionScopes[] = {"installation", "community"};
inline constexpr std::string_view kCommunityRoles[] = {"COMMUNITY_OWNER", "COMMUNITY_ADMIN", "APPLICATION_MEMBER"};
inline constexpr std::string_view kCookieForms[] = {"cookie"};

}  // namespace fealty::identity

FEALTY_SCHEMA(
    fealty::identity::RegisterIn,
    field<&fealty::identity::RegisterIn::firstname>("firstname", "First name.", {.min = 1, .max = 50, .required = true}),
    field<&fealty::identity::RegisterIn::lastname>("lastname", "Last name.", {.min = 1, .max = 50, .required = true}),
    field<&fealty::identity::RegisterIn::username>("username", "3 to 50 of A-Z a-z 0-9 . _ -, unique without case in the installation.",
                                                   {.required = true}),
    field<&fealty::identity::RegisterIn::displayname>("displayname", "What other members see.", {.min = 1, .max = 50, .required = true}),
    field<&fealty::identity::RegisterIn::email>("email", "E-mail address.", {.format = "email", .required = true}),
    field<&fealty::identity::RegisterIn::password>(
        "password", "8 to 128 characters with a special one; not the username, the e-mail or a common password.",
        {.max = fealty::identity::kTextMax, .required = true}),
    field<&fealty::identity::RegisterIn::confirmPassword>("confirmPassword", "The password once more.",
                                                          {.max = fealty::identity::kTextMax, .required = true}),
    field<&fealty::identity::RegisterIn::accessLevel>("accessLevel",
                                                      "Number of an access level, whose roles the member gets; without a key only 0.",
                                                      {.min = 0}),
    field<&fealty::identity::RegisterIn::referral>("referral", "Short id or username of who referred the person.", {.max = 100}),
    field<&fealty::identity::RegisterIn::communityId>("communityId", "The community, where the host does not say it.", {.format = "id"}))
FEALTY_SCHEMA(fealty::identity::RegisteredOut,
              field<&fealty::identity::RegisteredOut::_id>("_id", "Id of the account. Without a key the e-mail alone is answered.",
                                                           {.omit_empty = true}),
              field<&fealty::identity::RegisteredOut::id>("id", "Short id.", {.omit_empty = true}),
              field<&fealty::identity::RegisteredOut::username>("username", "Username.", {.omit_empty = true}),
              field<&fealty::identity::RegisteredOut::email>("email", "E-mail address."),
              field<&fealty::identity::RegisteredOut::displayname>("displayname", "Display name.", {.omit_empty = true}),
              field<&fealty::identity::RegisteredOut::emailVerified>("emailVerified", "Whether the mailbox is proved; false here."),
              field<&fealty::identity::RegisteredOut::createdAt>("createdAt", "When it was registered.", {.omit_empty = true}))
FEALTY_SCHEMA(fealty::identity::VerifyIn, field<&fealty::identity::VerifyIn::email>("email", "E-mail address; with code."),
              field<&fealty::identity::VerifyIn::code>("code", "Six digits from the mail."),
              field<&fealty::identity::VerifyIn::token>("token", "Token of the mail's link; with password."),
              field<&fealty::identity::VerifyIn::password>("password", "The password that was chosen.",
                                                           {.max = fealty::identity::kTextMax}))
FEALTY_SCHEMA(fealty::identity::VerifiedOut, field<&fealty::identity::VerifiedOut::_id>("_id", "Id of the account."),
              field<&fealty::identity::VerifiedOut::id>("id", "Short id."),
              field<&fealty::identity::VerifiedOut::email>("email", "E-mail address."),
              field<&fealty::identity::VerifiedOut::emailVerified>("emailVerified", "true."))
FEALTY_SCHEMA(fealty::identity::EmailIn,
              field<&fealty::identity::EmailIn::email>("email", "E-mail address.", {.format = "email", .required = true}))
FEALTY_SCHEMA(fealty::identity::LoginIn, field<&fealty::identity::LoginIn::email>("email", "E-mail address, or username instead."),
              field<&fealty::identity::LoginIn::username>("username", "Username."),
              field<&fealty::identity::LoginIn::password>("password", "Of the account, or one that a community gave.",
                                                          {.max = fealty::identity::kTextMax, .required = true}),
              field<&fealty::identity::LoginIn::communityId>(
                  "communityId", "Whose password it is, when several communities gave one and the host does not say it.", {.format = "id"}),
              field<&fealty::identity::LoginIn::session>("session", fealty::identity::kSessionDoc,
                                                         {.one_of = fealty::identity::kSessionForms}))
FEALTY_SCHEMA(fealty::identity::LoginUser, field<&fealty::identity::LoginUser::_id>("_id", "Id of the account."),
              field<&fealty::identity::LoginUser::id>("id", "Short id."),
              field<&fealty::identity::LoginUser::username>("username", "Username."),
              field<&fealty::identity::LoginUser::email>("email", "E-mail address."),
              field<&fealty::identity::LoginUser::displayname>("displayname", "Display name."),
              field<&fealty::identity::LoginUser::emailVerified>("emailVerified", "Whether the mailbox is proved."))
FEALTY_SCHEMA(fealty::identity::LoginOut,
              field<&fealty::identity::LoginOut::token>("token", "User token for Authorization: Bearer.", {.omit_empty = true}),
              field<&fealty::identity::LoginOut::refreshToken>("refreshToken", "Takes a new pair from /auth/refresh, once.",
                                                               {.omit_empty = true}),
              field<&fealty::identity::LoginOut::expiresIn>("expiresIn", "Seconds that the token or the cookie lives.",
                                                            {.example = "3600"}),
              field<&fealty::identity::LoginOut::user>("user", "Who is signed in."))
FEALTY_SCHEMA(fealty::identity::SecondFactorIn,
              field<&fealty::identity::SecondFactorIn::challenge>("challenge", "What the sign-in answered.", {.required = true}),
              field<&fealty::identity::SecondFactorIn::code>("code", "Six digits of the authenticator."),
              field<&fealty::identity::SecondFactorIn::recoveryCode>("recoveryCode", "A recovery code instead; it counts once."),
              field<&fealty::identity::SecondFactorIn::session>("session", fealty::identity::kSessionDoc,
                                                                {.one_of = fealty::identity::kSessionForms}))
FEALTY_SCHEMA(fealty::identity::RefreshIn,
              field<&fealty::identity::RefreshIn::refreshToken>("refreshToken", "The newest refresh token; not with session: cookie."),
              field<&fealty::identity::RefreshIn::session>("session", "cookie: the session's cookie is renewed instead.",
                                                           {.one_of = fealty::identity::kSessionForms}))
FEALTY_SCHEMA(fealty::identity::TokensOut, field<&fealty::identity::TokensOut::token>("token", "User token.", {.omit_empty = true}),
              field<&fealty::identity::TokensOut::refreshToken>("refreshToken", "The next refresh token.", {.omit_empty = true}),
              field<&fealty::identity::TokensOut::expiresIn>("expiresIn", "Seconds that the token or the cookie lives.",
                                                             {.example = "3600"}))
FEALTY_SCHEMA(fealty::identity::LogoutIn, field<&fealty::identity::LogoutIn::all>("all", "Every session, not this one alone."))
FEALTY_SCHEMA(fealty::identity::ClaimIn, field<&fealty::identity::ClaimIn::token>("token", "Token of the link.", {.required = true}),
              field<&fealty::identity::ClaimIn::password>("password", "The new password.",
                                                          {.max = fealty::identity::kTextMax, .required = true}),
              field<&fealty::identity::ClaimIn::confirmPassword>("confirmPassword", "The password once more.",
                                                                 {.max = fealty::identity::kTextMax, .required = true}),
              field<&fealty::identity::ClaimIn::username>("username", "Another username, when the account is claimed."),
              field<&fealty::identity::ClaimIn::session>("session", fealty::identity::kAfterLinkDoc,
                                                         {.one_of = fealty::identity::kCookieForms}))
FEALTY_SCHEMA(fealty::identity::ResetIn, field<&fealty::identity::ResetIn::token>("token", "Token of the link.", {.required = true}),
              field<&fealty::identity::ResetIn::password>("password", "The new password.",
                                                          {.max = fealty::identity::kTextMax, .required = true}),
              field<&fealty::identity::ResetIn::confirmPassword>("confirmPassword", "The password once more.",
                                                                 {.max = fealty::identity::kTextMax, .required = true}),
              field<&fealty::identity::ResetIn::session>("session", fealty::identity::kAfterLinkDoc,
                                                         {.one_of = fealty::identity::kCookieForms}))
FEALTY_SCHEMA(fealty::identity::AccountOut, field<&fealty::identity::AccountOut::_id>("_id", "Id of the account."),
              field<&fealty::identity::AccountOut::id>("id", "Short id."),
              field<&fealty::identity::AccountOut::username>("username", "Username."),
              field<&fealty::identity::AccountOut::email>("email", "E-mail address."),
              field<&fealty::identity::AccountOut::pendingEmail>("pendingEmail", "A new address that is not verified yet.",
                                                                 {.omit_empty = true}),
              field<&fealty::identity::AccountOut::emailVerified>("emailVerified", "Whether the mailbox is proved."),
              field<&fealty::identity::AccountOut::secondFactor>("secondFactor", "Whether a second factor is asked for."),
              field<&fealty::identity::AccountOut::signedIn>("signedIn", "Whether the cookie of a new session came with the answer.",
                                                             {.omit_empty = true}))
FEALTY_SCHEMA(fealty::identity::MeSession, field<&fealty::identity::MeSession::_id>("_id", "Id of the session."),
              field<&fealty::identity::MeSession::scope>("scope", "installation, or community: it sees one alone.",
                                                         {.one_of = fealty::identity::kSessionScopes}),
              field<&fealty::identity::MeSession::communityId>("communityId", "The one community that it sees; null: all."),
              field<&fealty::identity::MeSession::asMember>("asMember", "It gives no more than an ordinary member's rights."),
              field<&fealty::identity::MeSession::expiresAt>("expiresAt", "When it ends unless it is renewed.", {.format = "date-time"}))
FEALTY_SCHEMA(fealty::identity::MeCommunity, field<&fealty::identity::MeCommunity::_id>("_id", "Id of the community."),
              field<&fealty::identity::MeCommunity::title>("title", "Title."),
              field<&fealty::identity::MeCommunity::timeZone>("timeZone", "IANA time zone whose midnight begins a day."),
              field<&fealty::identity::MeCommunity::role>("role",
                                                          "What this session is there; null for who is invited, suspended or banned.",
                                                          {.one_of = fealty::identity::kCommunityRoles}),
              field<&fealty::identity::MeCommunity::status>("status", "State of the membership.", {.example = "\"active\""}),
              field<&fealty::identity::MeCommunity::displayName>("displayName", "Display name there."),
              field<&fealty::identity::MeCommunity::secondFactorRequired>("secondFactorRequired",
                                                                          "Owners and administrators need a second factor there."))
FEALTY_SCHEMA(fealty::identity::MeOut, field<&fealty::identity::MeOut::_id>("_id", "Id of the account."),
              field<&fealty::identity::MeOut::id>("id", "Short id."), field<&fealty::identity::MeOut::username>("username", "Username."),
              field<&fealty::identity::MeOut::email>("email", "E-mail address."),
              field<&fealty::identity::MeOut::pendingEmail>("pendingEmail", "A new address that is not verified yet."),
              field<&fealty::identity::MeOut::emailVerified>("emailVerified", "Whether the mailbox is proved."),
              field<&fealty::identity::MeOut::secondFactor>("secondFactor", "Whether a second factor is asked for."),
              field<&fealty::identity::MeOut::mayCreateCommunities>("mayCreateCommunities",
                                                                    "Whether POST /servers is open to this session."),
              field<&fealty::identity::MeOut::isOperator>("isOperator",
                                                          "Whether this session may do what operators of the installation do."),
              field<&fealty::identity::MeOut::session>("session", "This session."),
              field<&fealty::identity::MeOut::communities>("communities", "Communities of this person that this session sees."))
FEALTY_SCHEMA(fealty::identity::ChangeIn,
              field<&fealty::identity::ChangeIn::email>("email", "New e-mail address; counts after its verification.", {.format = "email"}),
              field<&fealty::identity::ChangeIn::username>("username", "New username."),
              field<&fealty::identity::ChangeIn::password>("password", "New password; ends all other sessions.",
                                                           {.max = fealty::identity::kTextMax}),
              field<&fealty::identity::ChangeIn::confirmPassword>("confirmPassword", "The new password once more; may be left out.",
                                                                  {.max = fealty::identity::kTextMax}),
              field<&fealty::identity::ChangeIn::currentPassword>("currentPassword", "The password until now.",
                                                                  {.max = fealty::identity::kTextMax, .required = true}))
FEALTY_SCHEMA(fealty::identity::DeletedOut, field<&fealty::identity::DeletedOut::_id>("_id", "Id of the account."),
              field<&fealty::identity::DeletedOut::deleteAfter>("deleteAfter", "Until then a sign-in undoes it."))
FEALTY_SCHEMA(fealty::identity::SessionOut, field<&fealty::identity::SessionOut::_id>("_id", "Id of the session."),
              field<&fealty::identity::SessionOut::device>("device", "What the device called itself."),
              field<&fealty::identity::SessionOut::address>("address", "Address of the sign-in."),
              field<&fealty::identity::SessionOut::communityId>("communityId", "The one community that it sees; null: all."),
              field<&fealty::identity::SessionOut::createdAt>("createdAt", "Time of the sign-in."),
              field<&fealty::identity::SessionOut::lastUsedAt>("lastUsedAt", "Last request, to the minute."),
              field<&fealty::identity::SessionOut::current>("current", "Whether this request came with it."))
FEALTY_SCHEMA(fealty::identity::PasswordIn,
              field<&fealty::identity::PasswordIn::currentPassword>("currentPassword", "The account's password.",
                                                                    {.max = fealty::identity::kTextMax, .required = true}))
FEALTY_SCHEMA(fealty::identity::SetupOut, field<&fealty::identity::SetupOut::secret>("secret", "Base 32, to be typed."),
              field<&fealty::identity::SetupOut::url>("url", "otpauth: address, to be shown as a QR code."))
FEALTY_SCHEMA(fealty::identity::CodeIn,
              field<&fealty::identity::CodeIn::code>("code", "Six digits of the authenticator.", {.required = true}))
FEALTY_SCHEMA(fealty::identity::RecoveryOut,
              field<&fealty::identity::RecoveryOut::recoveryCodes>("recoveryCodes", "Each signs in once; they are shown this once."))
FEALTY_SCHEMA(fealty::identity::DisableIn,
              field<&fealty::identity::DisableIn::currentPassword>("currentPassword", "The account's password.",
                                                                   {.max = fealty::identity::kTextMax, .required = true}),
              field<&fealty::identity::DisableIn::code>("code", "Six digits of the authenticator."),
              field<&fealty::identity::DisableIn::recoveryCode>("recoveryCode", "A recovery code instead."))
