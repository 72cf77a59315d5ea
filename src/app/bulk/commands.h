// The commands `fealty bulk …`: the bulk API for people with a shell and for cron. They speak HTTP to a running server, this
// machine's or another, and need no access to its database.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <vector>

namespace fealty::app::bulk {

// Appends the chosen command's work to `chosen`; it returns the exit status and does not throw.
void add_commands(CLI::App& app, std::vector<std::function<int()>>& chosen);

}  // namespace fealty::app::bulk
