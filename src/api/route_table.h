// All routes of the program, each under its family's prefixes (conventions.md "Routes and prefixes").
#pragma once
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
#include "api/route.h"

namespace fealty::api {

// The prefixes under which a route answers, in order; the first is the one that documents name. System routes come under
// "/v1" too where no integration or application route has that method and path (the table decides).
std::vector<std::string_view> prefixes_of(Route const& route);

// Built once while the program starts, then read by all threads.
class RouteTable {
 public:
  RouteTable();
  ~RouteTable();
  RouteTable(RouteTable&&) noexcept;
  RouteTable& operator=(RouteTable&&) noexcept;

  // Throws std::invalid_argument for what can only be a fault of the program: no handler, id or summary; an id, or a method
  // and path, that is there already; a path that is not "/"-separated literals and {parameters}.
  void add(Route route);

  struct Match {
    Route const* route = nullptr;
    std::vector<std::string> path_args = {};
    // When there is no route for the method: those that the path has (405 and its Allow); empty: unknown path (404).
    std::vector<Method> allowed = {};
    // Whose envelope an error wears; integration for unknown paths.
    Family family = Family::integration;
  };
  // `path` without query, decoded. A literal segment wins over a {parameter}, and a path that has the method over one that
  // has not; HEAD falls back to GET. Parameters match one non-empty segment.
  Match match(Method method, std::string_view path) const;

  std::span<Route const> routes() const { return routes_; }

 private:
  struct Node;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  void mount(std::string_view prefix, std::size_t index, bool gives_way);
  Node const* walk(Node const& node, std::string_view rest, Method method, std::vector<std::string_view>& args, unsigned& methods,
                   Family& family) const;

  std::vector<Route> routes_;
  std::unique_ptr<Node> root_;
  std::unordered_map<std::string, Node*, Hash, std::equal_to<>> literal_;  // paths without parameters
};

// "GET, HEAD, POST", for the Allow header.
std::string allow_header(std::span<Method const> methods);

}  // namespace fealty::api
