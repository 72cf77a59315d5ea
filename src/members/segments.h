// Segments: filters of members that are kept under a name, and the pages and files of those who fit. Evaluated by what evaluates
// users/filter.
#pragma once
#include "access/once.h"
#include "api/context.h"
#include "api/route.h"
#include "api/typed.h"
#include "members/segments_api.h"
#include "members/segments_store.h"
#include "members/user_pages.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kSegmentNotFound{"segment_not_found", 404};
inline constexpr ErrorDef kSegmentExists{"segment_exists", 409};
inline constexpr ErrorDef kSegmentBroken{"segment_broken", 409};
inline constexpr ErrorDef kTooManySegments{"too_many_segments", 409};
}  // namespace errors

inline constexpr std::int64_t kSegmentsPerCommunityMax = 200;
inline constexpr std::int64_t kSegmentFilterBytesMax = 64 * 1024;

// Any thread.
class SegmentsService {
 public:
  SegmentsService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}

  Result<api::Listing<SegmentOut>> list(api::Context const& context, SegmentsQuery const& query);
  Result<SegmentOut> get(api::Context const& context, PublicId id);
  Result<api::Answer> create(api::Context const& context, CreateSegmentIn const& in, std::optional<access::OnceKey> const& key);
  // What is absent stays. What is stored already changes nothing, updatedAt neither.
  Result<SegmentOut> update(api::Context const& context, PublicId id, UpdateSegmentIn const& in);
  Result<DeletedSegment> remove(api::Context const& context, PublicId id);

  // Those who fit now. 409 where the segment refers to what is gone.
  Result<SegmentCount> count(api::Context const& context, PublicId id);
  // The text of a FilterOut.
  Result<api::Json> users(api::Context const& context, PublicId id, SegmentUsersIn const& in);
  Result<api::Response> export_file(api::Context const& context, api::Request const& request, PublicId id, SegmentExportQuery const& query);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
  UserPages pages_;
};

std::vector<api::Route> segments_routes(SegmentsService& service);

}  // namespace fealty::members
