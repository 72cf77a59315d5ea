#include "access/audit.h"
#include "access/written_once.h"
#include "api/multipart.h"
#include "api/typed.h"
#include "base/hash.h"
#include "base/text.h"
#include "jobs/new_file.h"
#include "members/avatar_image.h"
#include "members/avatars.h"
#include "members/avatars_store.h"
#include "members/member_reference.h"
#include "members/profiles_store.h"

namespace fealty::members {
namespace {

constexpr std::int64_t kFormBytesMax = 64 * 1024;  // around the file
constexpr std::size_t kUserBytesMax = 1'024;

Error too_large() {
  std::string const message = "The picture is larger than 5 MiB. Send a smaller one.";
  Issue issue{"avatar", std::string(api::file_errors::kFileTooLarge.code), message};
  issue.limit = kAvatarBytesMax;
  return {&api::file_errors::kFileTooLarge, message, {std::move(issue)}};
}

std::unexpected<Error> invalid_image(std::string const& message) {
  return fail(errors::kInvalidImage, message, {{"avatar", std::string(errors::kInvalidImage.code), message}});
}

struct Form {
  std::optional<std::string> picture, user;
  std::string declared_type;
};

// At most the largest picture is kept, whatever is sent.
Result<Form> read_form(api::Request& request) {
  std::string_view const content_type = request.header("content-type").value_or("");
  if (!equals_ignore_ascii_case(trim_space(content_type.substr(0, content_type.find(';'))), "multipart/form-data"))
    return fail(fealty::errors::kUnsupportedMediaType, "Send the picture as multipart/form-data in the field avatar.");
  auto const boundary = api::boundary_of(content_type);
  if (!boundary) return fail(api::file_errors::kInvalidForm, "The Content-Type multipart/form-data names no boundary.");
  if (auto const length = request.stream->declared_length(); length && *length > kAvatarBytesMax + kFormBytesMax)
    return std::unexpected(too_large());

  api::RequestBody body(*request.stream);
  api::MultipartLimits limits{Limits{}};
  limits.bytes_max = kAvatarBytesMax + kFormBytesMax;
  Form form;
  std::vector<Issue> issues;
  try {
    api::MultipartReader reader(body, *boundary, limits);
    while (auto part = reader.next_part()) {
      if (part->name != "avatar" && part->name != "user") continue;
      bool const is_picture = part->name == "avatar";
      auto& place = is_picture ? form.picture : form.user;
      if (place) {
        issues.push_back({part->name, "duplicate_field", "The field " + part->name + " was sent twice."});
        continue;
      }
      if (!is_picture) {
        place = std::string(trim_space(api::read_field(*part, kUserBytesMax)));
        continue;
      }
      form.declared_type = part->content_type;
      place.emplace();
      api::MeasuredSource measured(part->body, kAvatarBytesMax);
      std::array<char, 16 * 1024> piece;
      while (auto const n = measured.read(piece)) place->append(piece.data(), n);
    }
  } catch (api::FileProblem const& problem) {
    if (problem.def == &api::file_errors::kFileTooLarge) return std::unexpected(too_large());
    return std::unexpected(problem.to_error());
  }
  if (!form.picture) issues.push_back({"avatar", "missing_file", "The form has no field avatar with the picture."});
  if (form.user && form.user->empty()) form.user.reset();
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
  return form;
}

// Whose picture it is: the one who is named, or oneself.
Result<MemberNo> owner_of_picture(sql::Tx& tx, api::Context const& c, Form const& form) {
  bool const is_person = c.principal.kind == api::PrincipalKind::user || c.principal.kind == api::PrincipalKind::user_key;
  if (!form.user) {
    if (is_person) return c.principal.account;
    return fail(fealty::errors::kInvalidRequest, "user is required: e-mail, short id, _id or username.",
                {{"user", "required", "user is required: e-mail, short id, _id or username."}});
  }
  auto found = std::move(find_referenced(tx, c.community, {{*form.user, "", ""}}).front());
  // Who may change his own alone learns nothing of others, not even whether they are there.
  if (!found || found->number != c.principal.account)
    if (auto allowed = may_touch_others(c.principal); !allowed) return std::unexpected(std::move(allowed).error());
  if (!found) return std::unexpected(std::move(found).error());
  return found->number;
}

Result<void> may_have_picture(std::optional<MembershipState> state) {
  if (!state || *state == MembershipState::deleted) return std::unexpected(no_such_member());
  if (*state == MembershipState::invited) return fail(ledger::errors::kUserNotJoined, "This member has not accepted the invitation yet.");
  return {};
}

}  // namespace

Result<std::string> AvatarService::picture_of(std::string const& bytes, std::string_view declared_type) {
  auto const header = read_image_header(bytes);
  auto type = trim_space(declared_type.substr(0, declared_type.find(';')));
  if (equals_ignore_ascii_case(type, "image/jpg")) type = content_type_of(ImageKind::jpeg);
  bool const is_labelled = !type.empty() && !equals_ignore_ascii_case(type, "application/octet-stream");
  if (header && is_labelled && !equals_ignore_ascii_case(type, content_type_of(header->kind)))
    return invalid_image("The picture was sent as " + std::string(type) + ", but it is " + std::string(content_type_of(header->kind)) +
                         ".");
  decoders_.acquire();
  struct Release {
    std::counting_semaphore<kDecodedMax>& decoders;
    ~Release() { decoders.release(); }
  } const release{decoders_};
  auto avatar = make_avatar(bytes);
  if (!avatar) return invalid_image(avatar.error());
  return *std::move(avatar);
}

Result<api::Answer> AvatarService::upload(api::Context const& c, api::Request& request) {
  std::vector<Issue> issues;
  auto once = access::once_key(c, request, "user.avatar", issues);
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
  auto form = read_form(request);
  if (!form) return std::unexpected(std::move(form).error());
  // The body went by as it came; what it held is what makes two requests the same.
  if (once) once->fingerprint = sha256(form->user.value_or("") + '\0' + *form->picture);
  // Before the work of decoding: most mistakes are told at once.
  auto const member = database_.read([&](sql::Tx& tx) -> Result<MemberNo> {
    auto owner = owner_of_picture(tx, c, *form);
    if (!owner) return owner;
    if (auto allowed = may_have_picture(state_of(tx, c.community, *owner)); !allowed) return std::unexpected(allowed.error());
    return owner;
  });
  if (!member) return std::unexpected(member.error());
  auto avatar = picture_of(*form->picture, form->declared_type);
  if (!avatar) return std::unexpected(std::move(avatar).error());
  form->picture.reset();

  std::string key;
  try {
    key = files_.add(*avatar);
  } catch (jobs::StorageFull const&) {
    Error error{&errors::kNoRoomForFiles, "There is no space left for pictures. Nothing was kept; try again later."};
    error.retry_after_s = 60;
    return std::unexpected(std::move(error));
  }
  std::optional<std::string> former;
  Result<api::Answer> out;
  try {
    out = access::once_as<AvatarOut>(200, "Avatar uploaded successfully", database_, c, once, [&](sql::Tx& tx) -> Result<AvatarOut> {
      std::optional<MembershipState> state;
      lock_memberships(tx, c.community, {*member}, false, [&](Membership m) { state = m.state; });
      if (auto allowed = may_have_picture(state); !allowed) return std::unexpected(allowed.error());
      former = avatar_of(tx, c.community, *member);
      set_avatar(tx, c.community, *member, key);
      auto const profile = find_profile(tx, c.community, *member, c.now);
      access::write_audit(tx, c.community, numbers_.next(),
                          {access::actor_of(c.principal), "user.avatar", profile->id().to_string(), "{}", c.remote_address, c.now});
      return AvatarOut{std::to_string(member->value), avatar_url(community_host(tx, c.community), key)};
    });
  } catch (sql::StorageError const& e) {
    // It may be in use where the commit's end is not known; if it is not, the next start removes it.
    if (e.kind() != sql::StorageError::Kind::commit_unknown) files_.remove(key);
    throw;
  }
  // An earlier answer that is given again names another picture.
  if (!out || !out->data.contains(key))
    files_.remove(key);
  else if (former)
    files_.remove(*former);
  return out;
}

int AvatarService::remove_orphans(std::int64_t idle_ms) {
  return files_.remove_orphans(idle_ms,
                               [&](auto const& keys) { return database_.read([&](sql::Tx& tx) { return avatars_in_use(tx, keys); }); });
}

}  // namespace fealty::members
