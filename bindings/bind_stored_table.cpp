#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <exception>
#include <string>

#include "feeding/file_stream.hpp"
#include "feeding/window_feed.hpp"
#include "stored_tables.hpp"

namespace nb = nanobind;

namespace creche::CRECHE_LEVEL {

void bind_stored_table(nb::module_& m) {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const ReadError& error) {
      const nb::object kind = nb::module_::import_("creche.errors").attr("FileError");
      PyErr_SetString(kind.ptr(), error.what());
    }
  });
  nb::class_<StoredTable>(m, "StoredTable")
      .def(
          "__init__",
          [](StoredTable* made, std::string path, std::int64_t offset, std::int64_t count, std::int64_t inputs,
             std::int64_t targets, bool weighted, std::int64_t size, std::int64_t changed_at, bool direct) {
            new (made) StoredTable{std::move(path), offset, count, inputs, targets, weighted, size, changed_at, direct};
          },
          nb::arg("path"), nb::arg("offset"), nb::arg("count"), nb::arg("inputs"), nb::arg("targets"),
          nb::arg("weighted"), nb::arg("size"), nb::arg("changed_at"), nb::arg("direct") = false)
      .def(
          "training_memory",
          [](const StoredTable& table, const Plan& plan) {
            check_stored_table(table, plan, "training");
            return WindowFeed::memory(plan, table);
          },
          nb::arg("plan"))
      .def_prop_ro("streaming_memory", [](const StoredTable& table) { return FileStream::memory(table); });
}

}  // namespace creche::CRECHE_LEVEL
