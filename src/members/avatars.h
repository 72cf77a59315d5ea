// Avatars: taken as pictures of many kinds, kept as one, served to everybody who knows the address.
#pragma once
#include <semaphore>

#include "api/context.h"
#include "api/route.h"
#include "api/schema.h"
#include "base/number_source.h"
#include "members/avatar_files.h"
#include "members/members.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kInvalidImage{"invalid_image", 400};
inline constexpr ErrorDef kAvatarNotFound{"avatar_not_found", 404};
inline constexpr ErrorDef kNoRoomForFiles{"storage_full", 503};
}  // namespace errors

struct AvatarForm {
  std::optional<std::string> user;
};
struct AvatarOut {
  std::string userId, avatar;
};

// All functions from any thread.
class AvatarService {
 public:
  // Pictures that are decoded at one time: each takes its memory, however many people send one.
  static constexpr int kDecodedMax = 2;

  AvatarService(sql::Database& database, NumberSource& numbers, AvatarFiles& files)
      : database_(database), numbers_(numbers), files_(files) {}
  Result<api::Answer> upload(api::Context const& context, api::Request& request);
  AvatarFiles const& files() const { return files_; }
  // At the start. Of a shared folder, others may be writing: `idle_ms` says how long a file was left alone.
  int remove_orphans(std::int64_t idle_ms);

 private:
  Result<std::string> picture_of(std::string const& bytes, std::string_view declared_type);

  sql::Database& database_;
  NumberSource& numbers_;
  AvatarFiles& files_;
  std::counting_semaphore<kDecodedMax> decoders_{kDecodedMax};
};

std::vector<api::Route> avatar_routes(AvatarService& service);

}  // namespace fealty::members

FEALTY_SCHEMA(fealty::members::AvatarForm,
              field<&fealty::members::AvatarForm::user>("user",
                                                        "E-mail, short id, _id or username; oneself when not given, but for a key."))
FEALTY_SCHEMA(fealty::members::AvatarOut, field<&fealty::members::AvatarOut::userId>("userId", "Short id.", {.example = "\"1203\""}),
              field<&fealty::members::AvatarOut::avatar>("avatar", "Address of the picture."))
