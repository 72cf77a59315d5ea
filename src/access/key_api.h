// What the operations of keys take and give.
#pragma once
#include "access/key_routes.h"
#include "api/schema.h"
#include "api/typed.h"

namespace fealty::access {

// Documents every member; what each operation asks for is checked by its reader, so that all problems come together.
struct KeyIn {
  std::optional<std::string> name;
  std::optional<std::vector<std::string>> permissions;
  std::optional<std::int64_t> expirePeriod;
  std::optional<std::string> expireDate;
  std::optional<std::vector<std::string>> allowedIps;
  std::optional<bool> isActive;
};
struct UserKeyIn {
  std::optional<std::string> name;
  std::optional<std::vector<std::string>> permissions;
  std::optional<std::int64_t> expirePeriod;
  std::optional<std::string> expireDate;
  std::optional<std::vector<std::string>> allowedIps;
  std::optional<bool> isActive;
  std::optional<std::string> communityId;
  std::optional<std::vector<std::string>> channelIds;
};
struct RotateIn {
  std::optional<std::int64_t> graceSeconds;
};
struct KeyOut {
  std::string _id, name, key;
  std::vector<std::string> permissions;
  std::int64_t expirePeriod = 0;
  std::optional<std::string> expireDate;
  bool isActive = true;
  std::string communityId;
  std::optional<std::string> userId;
  std::vector<std::string> channelIds, allowedIps;
  std::optional<std::string> lastUsedAt;
  std::string createdBy, createdAt, updatedAt;
  std::optional<std::vector<std::string>> activeJobs;
};
struct KeyInfoOut {
  std::string name;
  std::vector<std::string> permissions;
  std::optional<std::string> expireDate;
  std::string communityId;
  bool isActive = true;
  std::string kind;
};
struct KeyListQuery {
  std::int64_t page = 1, limit = api::kPageLimitDefault;
  std::optional<std::string> sort;
};
struct UserKeyQuery {
  std::optional<std::string> userId, apiKeyId;
};
struct UserKeyListQuery {
  std::int64_t page = 1, limit = api::kPageLimitDefault;
  std::optional<std::string> sort, userId, apiKeyId;
};

inline constexpr api::Rules kPlainItem{.min = 1, .max = 100};

}  // namespace fealty::access

#define FEALTY_KEY_FIELDS(T, permissions_)                                                                                               \
  field<&T::name>("name", "Name, unique among the living keys.", {.min = 1, .max = 100, .example = "\"CRM\""}),                          \
      field<&T::permissions>("permissions", permissions_, {.max = 64, .items = &fealty::access::kPlainItem}),                            \
      field<&T::expirePeriod>("expirePeriod", "Days that the key lives, 0 = no end. With expireDate too the earlier end counts.",        \
                              {.min = 0, .max = fealty::access::kKeyExpiryDaysMax, .example = "90"}),                                    \
      field<&T::expireDate>("expireDate", "End of the key: ISO-8601, or a day, whose end counts (UTC). \"\" = none.", {.max = 40}),      \
      field<&T::allowedIps>("allowedIps", "Addresses and networks that the key may come from; empty = all.",                             \
                            {.max = static_cast<std::int64_t>(fealty::access::kAllowedNetworksMax), .example = "[\"203.0.113.0/24\"]"}), \
      field<&T::isActive>("isActive", "false: the key is refused until it is switched on again.")

FEALTY_SCHEMA(fealty::access::KeyIn,
              FEALTY_KEY_FIELDS(fealty::access::KeyIn, "Identifiers or labels of permissions of community keys, at least one."))
FEALTY_SCHEMA(fealty::access::UserKeyIn,
              FEALTY_KEY_FIELDS(fealty::access::UserKeyIn, "Identifiers or labels of permissions of user keys, at least one."),
              field<&fealty::access::UserKeyIn::communityId>("communityId", "The community that the key is for.", {.format = "id"}),
              field<&fealty::access::UserKeyIn::channelIds>("channelIds", "The only channels that the key may touch; empty = all.",
                                                            {.max = static_cast<std::int64_t>(fealty::access::kChannelsPerKeyMax),
                                                             .format = "id"}))
#undef FEALTY_KEY_FIELDS
FEALTY_SCHEMA(fealty::access::RotateIn,
              field<&fealty::access::RotateIn::graceSeconds>("graceSeconds", "How long the old key stays good; 0 when not given.",
                                                             {.min = 0, .max = fealty::access::kRotationGraceSecondsMax}))
FEALTY_SCHEMA(fealty::access::KeyOut, field<&fealty::access::KeyOut::_id>("_id", "Id of the key."),
              field<&fealty::access::KeyOut::name>("name", "Name."),
              field<&fealty::access::KeyOut::key>("key", "Complete in the answers that make a key, otherwise its public beginning.",
                                                  {.example = "\"fk_7Q2xLm0a…\""}),
              field<&fealty::access::KeyOut::permissions>("permissions", "Identifiers."),
              field<&fealty::access::KeyOut::expirePeriod>("expirePeriod", "Days, 0 = none."),
              field<&fealty::access::KeyOut::expireDate>("expireDate", "When the key ends; null = never.", {.format = "date-time"}),
              field<&fealty::access::KeyOut::isActive>("isActive", "Whether it is switched on."),
              field<&fealty::access::KeyOut::communityId>("communityId", "Its community.", {.format = "id"}),
              field<&fealty::access::KeyOut::userId>("userId", "Whose user key it is; null for keys of communities.", {.format = "id"}),
              field<&fealty::access::KeyOut::channelIds>("channelIds", "The only channels that it may touch; empty = all."),
              field<&fealty::access::KeyOut::allowedIps>("allowedIps", "Where it may come from; empty = everywhere."),
              field<&fealty::access::KeyOut::lastUsedAt>("lastUsedAt", "Last use, to the minute.", {.format = "date-time"}),
              field<&fealty::access::KeyOut::createdBy>("createdBy", "Who made it: a short id, or an operator."),
              field<&fealty::access::KeyOut::createdAt>("createdAt", "When it was made.", {.format = "date-time"}),
              field<&fealty::access::KeyOut::updatedAt>("updatedAt", "When it was changed.", {.format = "date-time"}),
              field<&fealty::access::KeyOut::activeJobs>("activeJobs", "Of a deleted key: ids of its unfinished bulk jobs, which go on.",
                                                         {.omit_empty = true}))
FEALTY_SCHEMA(fealty::access::KeyInfoOut, field<&fealty::access::KeyInfoOut::name>("name", "Name."),
              field<&fealty::access::KeyInfoOut::permissions>("permissions", "Identifiers."),
              field<&fealty::access::KeyInfoOut::expireDate>("expireDate", "When the key ends; null = never.", {.format = "date-time"}),
              field<&fealty::access::KeyInfoOut::communityId>("communityId", "Its community.", {.format = "id"}),
              field<&fealty::access::KeyInfoOut::isActive>("isActive", "Whether it is switched on: always true, since it answered."),
              field<&fealty::access::KeyInfoOut::kind>("kind", "user or community."))
FEALTY_SCHEMA(fealty::access::KeyListQuery, page_field<&fealty::access::KeyListQuery::page>(),
              limit_field<&fealty::access::KeyListQuery::limit>(),
              field<&fealty::access::KeyListQuery::sort>("sort", "createdAt, updatedAt, lastUsedAt or name, with :asc or :desc.",
                                                         {.example = "\"createdAt:desc\""}))
FEALTY_SCHEMA(fealty::access::UserKeyQuery,
              field<&fealty::access::UserKeyQuery::userId>("userId", "Id of the user.", {.format = "id", .required = true}),
              field<&fealty::access::UserKeyQuery::apiKeyId>("apiKeyId", "Id of the key.", {.format = "id"}))
FEALTY_SCHEMA(fealty::access::UserKeyListQuery, page_field<&fealty::access::UserKeyListQuery::page>(),
              limit_field<&fealty::access::UserKeyListQuery::limit>(),
              field<&fealty::access::UserKeyListQuery::sort>("sort", "createdAt, updatedAt, lastUsedAt or name, with :asc or :desc.",
                                                             {.example = "\"createdAt:desc\""}),
              field<&fealty::access::UserKeyListQuery::userId>("userId", "Id of the user.", {.format = "id", .required = true}),
              field<&fealty::access::UserKeyListQuery::apiKeyId>("apiKeyId", "Id of the key.", {.format = "id"}))
