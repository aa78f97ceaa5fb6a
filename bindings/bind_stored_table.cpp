#include "python_types.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "feeding/file_stream.hpp"
#include "feeding/window_feed.hpp"
#include "stored_tables.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

// Training rows in the order of a plan, for another engine: copies of them.
class PythonFeed {
 public:
  PythonFeed(const Plan& plan, StoredTable table) : table_(std::move(table)), batch_size_(plan.batch_size) {
    check_plan(plan);
    check_stored_training(table_, plan);
    batch_size_ = std::min(plan.batch_size, table_.count);
    feed_ = std::make_unique<WindowFeed>(plan, table_);
  }

  // The arrays of the rows at positions begin ... begin + count - 1 of an epoch.
  nb::tuple take(std::int64_t epoch, std::int64_t begin, std::int64_t count) {
    if (epoch < 0 || begin < 0 || count < 0 || begin + count > table_.count)
      throw std::invalid_argument("rows: positions " + std::to_string(begin) + " to " + std::to_string(begin + count) +
                                  " of " + std::to_string(table_.count));
    const auto rows = static_cast<std::size_t>(count);
    auto x = new_array<float>({rows, static_cast<std::size_t>(table_.inputs)});
    auto classes = new_array<std::int32_t>({table_.targets == 0 ? rows : 0});
    auto targets = new_array<float>({rows, static_cast<std::size_t>(table_.targets)});
    auto weights = new_array<float>({table_.weighted ? rows : 0});
    {
      nb::gil_scoped_release release;
      std::vector<std::int32_t> taken(static_cast<std::size_t>(batch_size_));
      for (std::int64_t done = 0; done < count; done += batch_size_) {
        const std::int64_t now = std::min(batch_size_, count - done);
        feed_->take(epoch, begin + done, now, now, taken.data(), {});
        const Rows<float> view = feed_->rows();
        for (std::int64_t r = 0; r < now; ++r) {
          const std::int64_t from = taken[static_cast<std::size_t>(r)], to = done + r;
          std::copy_n(view.x + from * view.x_stride, table_.inputs, x.data() + to * table_.inputs);
          if (view.classes != nullptr) classes.data()[to] = view.classes[from];
          if (view.targets != nullptr)
            std::copy_n(view.targets + from * view.targets_stride, table_.targets,
                        targets.data() + to * table_.targets);
          if (view.weights != nullptr) weights.data()[to] = view.weights[from];
        }
      }
    }
    return nb::make_tuple(std::move(x), table_.targets == 0 ? nb::cast(std::move(classes)) : nb::none(),
                          table_.targets == 0 ? nb::none() : nb::cast(std::move(targets)),
                          table_.weighted ? nb::cast(std::move(weights)) : nb::none());
  }

  double seconds_waited() const { return feed_->seconds_waited(); }
  void release() { feed_->release(); }

 private:
  StoredTable table_;
  std::int64_t batch_size_;
  std::unique_ptr<WindowFeed> feed_;
};

}  // namespace

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
  nb::class_<PythonFeed>(m, "StoredFeed")
      .def(nb::init<const Plan&, StoredTable>(), nb::arg("plan"), nb::arg("table"))
      .def("take", &PythonFeed::take, nb::arg("epoch"), nb::arg("begin"), nb::arg("count"))
      .def("release", &PythonFeed::release)
      .def_prop_ro("seconds_waited", &PythonFeed::seconds_waited);
}

}  // namespace creche::CRECHE_LEVEL
