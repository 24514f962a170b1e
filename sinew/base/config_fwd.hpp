#pragma once

// For headers that only declare `static void describe(config::Section<X>& section)`.
namespace sinew::config {

template <class T>
class Section;

}  // namespace sinew::config
