//! Who a device is and how it proves it.
