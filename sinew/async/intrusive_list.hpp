#pragma once

#include <cstddef>

namespace sinew::async {

// A place in one doubly linked list, embedded in the element. It leaves its list when destroyed, so
// a frame that is dropped while it waits is never found by anyone afterwards.
template <class Tag>
class ListHook {
 public:
  ListHook() noexcept = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  bool linked() const noexcept { return next_ != this; }

  void unlink() noexcept {
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = this;
  }

 private:
  template <class T, class Tg>
  friend class IntrusiveList;

  ListHook* prev_ = this;
  ListHook* next_ = this;
};

// A list that owns nothing and allocates nothing; its elements outlive it unlinked. T derives from
// ListHook<Tag>.
template <class T, class Tag>
class IntrusiveList {
 public:
  using Hook = ListHook<Tag>;

  IntrusiveList() noexcept = default;
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty())
      static_cast<Hook&>(front()).unlink();
  }

  bool empty() const noexcept { return !head_.linked(); }

  void push_back(T& element) noexcept {
    Hook& hook = element;
    hook.unlink();
    hook.prev_ = head_.prev_;
    hook.next_ = &head_;
    head_.prev_->next_ = &hook;
    head_.prev_ = &hook;
  }

  T& front() noexcept { return static_cast<T&>(*head_.next_); }

  T& pop_front() noexcept {
    T& element = front();
    static_cast<Hook&>(element).unlink();
    return element;
  }

  // How many elements there are, counted up to `limit`. Linear.
  std::size_t count(std::size_t limit) const noexcept {
    std::size_t counted = 0;
    for (const Hook* hook = head_.next_; hook != &head_ && counted < limit; hook = hook->next_)
      ++counted;
    return counted;
  }

  // The element at `index` from the front; for choosing one at random in simulation. Linear.
  T& at(std::size_t index) noexcept {
    Hook* hook = head_.next_;
    while (index-- > 0)
      hook = hook->next_;
    return static_cast<T&>(*hook);
  }

  // Reads the elements in order; the list must not change meanwhile.
  class Iterator {
   public:
    const T& operator*() const noexcept { return static_cast<const T&>(*hook_); }
    Iterator& operator++() noexcept {
      hook_ = hook_->next_;
      return *this;
    }
    friend bool operator==(Iterator, Iterator) = default;

   private:
    friend class IntrusiveList;
    explicit Iterator(const Hook* hook) noexcept : hook_(hook) {}
    const Hook* hook_;
  };
  Iterator begin() const noexcept { return Iterator(head_.next_); }
  Iterator end() const noexcept { return Iterator(&head_); }

  // Moves all of `other` behind the elements of this list.
  void splice_back(IntrusiveList& other) noexcept {
    if (other.empty()) return;
    Hook* first = other.head_.next_;
    Hook* last = other.head_.prev_;
    other.head_.prev_ = other.head_.next_ = &other.head_;
    first->prev_ = head_.prev_;
    last->next_ = &head_;
    head_.prev_->next_ = first;
    head_.prev_ = last;
  }

 private:
  Hook head_;
};

}  // namespace sinew::async
