"""The functions that a PAC file finds defined, in JavaScript, as browsers have them; and how Python calls the file.

Written after the description of Netscape Navigator 2.0's format and of Microsoft's ``...Ex`` functions for IPv6.

JavaScript under a time limit cannot call Python. A function that needs the network looks into the answers that it was
given. Where its answer is missing it notes the question and gives up; Python finds the answer and calls the file again.
"""

from __future__ import annotations

SOURCE = r"""
var __answers = {}, __question = null;

function __ask(question) {
  if (Object.prototype.hasOwnProperty.call(__answers, question)) return __answers[question];
  __question = question;
  throw new Error("waiting for the answer to " + question);
}

function __call(url, host, answers) {
  __answers = JSON.parse(answers);
  __question = null;
  var outcome = {};
  try {
    var find = typeof FindProxyForURLEx === "function" ? FindProxyForURLEx : FindProxyForURL;
    var found = find(url, host);
    outcome.type = found === null ? "null" : typeof found;
    outcome.found = found === null ? "" : String(found);
  } catch (error) {
    if (error instanceof Error) {
      outcome.error = error.name + ": " + error.message;
      outcome.stack = String(error.stack || "");
    } else {
      outcome.error = String(error);
    }
  }
  outcome.question = __question;
  return JSON.stringify(outcome);
}

function alert(message) {}

// -- names

function isPlainHostName(host) { return host.indexOf(".") < 0 && host.indexOf(":") < 0; }

function dnsDomainIs(host, domain) {
  host = host.toLowerCase();
  domain = domain.toLowerCase();
  return host.length >= domain.length && host.slice(host.length - domain.length) === domain;
}

function localHostOrDomainIs(host, fqdn) {
  host = host.toLowerCase();
  fqdn = fqdn.toLowerCase();
  return host === fqdn || (host.indexOf(".") < 0 && fqdn.indexOf(host + ".") === 0);
}

function dnsDomainLevels(host) { return host.split(".").length - 1; }

var __patterns = {};

function shExpMatch(text, pattern) {
  var found = __patterns[pattern];
  if (!found) {
    var expression = String(pattern).replace(/[\\^$.|+()\[\]{}\/]/g, "\\$&").replace(/\*+/g, ".*").replace(/\?/g, ".");
    found = __patterns[pattern] = new RegExp("^" + expression + "$", "s");
  }
  return found.test(text);
}

// -- addresses

function __isIPv4(text) {
  var parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  return parts !== null && parts[1] < 256 && parts[2] < 256 && parts[3] < 256 && parts[4] < 256;
}

function convert_addr(address) {
  var bytes = String(address).split(".");
  return ((bytes[0] & 255) << 24) | ((bytes[1] & 255) << 16) | ((bytes[2] & 255) << 8) | (bytes[3] & 255);
}

function dnsResolve(host) { return __isIPv4(host) ? host : __ask("4 " + host); }

function isResolvable(host) { return dnsResolve(host) !== null; }

function isInNet(host, pattern, mask) {
  var address = dnsResolve(host);
  if (address === null || !__isIPv4(pattern) || !__isIPv4(mask)) return false;
  mask = convert_addr(mask);
  return (convert_addr(address) & mask) === (convert_addr(pattern) & mask);
}

function myIpAddress() { return __ask("my 4"); }

function dnsResolveEx(host) { return __ask("all " + host); }

function isResolvableEx(host) { return dnsResolveEx(host) !== ""; }

function myIpAddressEx() { return __ask("my all"); }

// The 16 or 4 bytes of an address; null for what is none.
function __bytes(address) {
  if (__isIPv4(address)) return address.split(".").map(Number);
  var text = String(address).replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  var last = text.slice(text.lastIndexOf(":") + 1);
  if (text.indexOf(":") < 0) return null;
  if (__isIPv4(last)) {
    var four = last.split(".").map(Number);
    var groups = [((four[0] << 8) | four[1]).toString(16), ((four[2] << 8) | four[3]).toString(16)].join(":");
    text = text.slice(0, text.length - last.length) + groups;
  }
  var halves = text.split("::");
  if (halves.length > 2) return null;
  var head = halves[0] ? halves[0].split(":") : [], tail = halves[1] ? halves[1].split(":") : [];
  var missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  while (missing-- > 0) head.push("0");
  var bytes = [];
  head.concat(tail).forEach(function (group) {
    var number = /^[0-9A-Fa-f]{1,4}$/.test(group) ? parseInt(group, 16) : NaN;
    bytes.push(number >> 8, number & 255);
    if (number !== number) bytes.bad = true;
  });
  return bytes.bad ? null : bytes;
}

function isInNetEx(address, prefix) {
  var parts = String(prefix).split("/"), network = __bytes(parts[0]), bits = Number(parts[1]);
  if (parts.length !== 2 || network === null || !(bits >= 0 && bits <= network.length * 8)) return false;
  var known = __bytes(address) === null ? dnsResolveEx(address).split(";") : [address];
  return known.some(function (each) {
    var bytes = __bytes(each);
    if (bytes === null || bytes.length !== network.length) return false;
    for (var place = 0, left = bits; left > 0; place++, left -= 8) {
      var mask = left >= 8 ? 255 : (255 << (8 - left)) & 255;
      if ((bytes[place] & mask) !== (network[place] & mask)) return false;
    }
    return true;
  });
}

function sortIpAddressList(list) {
  var addresses = String(list).split(";").map(function (each) { return each.trim(); });
  var known = addresses.map(__bytes);
  if (known.indexOf(null) >= 0) return false;
  var order = addresses.map(function (_, place) { return place; });
  order.sort(function (one, other) {
    var a = known[one], b = known[other];
    if (a.length !== b.length) return b.length - a.length;
    for (var place = 0; place < a.length; place++) if (a[place] !== b[place]) return a[place] - b[place];
    return one - other;
  });
  return order.map(function (place) { return addresses[place]; }).join(";");
}

function getClientVersion() { return "1.0"; }

// -- time

var __days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
var __months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

// What a time function works with: its arguments without "GMT", and the parts of now that it compares.
function __when(given) {
  var values = Array.prototype.slice.call(given), gmt = values[values.length - 1] === "GMT", now = new Date();
  if (gmt) values.pop();
  var get = function (part) { return gmt ? now["getUTC" + part]() : now["get" + part](); };
  return {values: values, get: get};
}

function __between(first, now, last) {
  return first <= last ? first <= now && now <= last : now >= first || now <= last;
}

function weekdayRange() {
  var when = __when(arguments), today = when.get("Day");
  var days = when.values.map(function (name) { return __days.indexOf(String(name).toUpperCase()); });
  if (days.length < 1 || days.length > 2 || days.indexOf(-1) >= 0) return false;
  return days.length === 1 ? today === days[0] : __between(days[0], today, days[1]);
}

function dateRange() {
  var when = __when(arguments), values = when.values, half = values.length / 2;
  // The parts of a date that an argument can be, by its kind; compared in the order year, month, day.
  var kinds = {year: [10000, when.get("FullYear")], month: [100, when.get("Month")], day: [1, when.get("Date")]};
  var kindOf = function (value) {
    return typeof value === "string" && isNaN(value) ? "month" : Number(value) > 31 ? "year" : "day";
  };
  var worth = function (some) {
    return some.reduce(function (sum, value) {
      var kind = kindOf(value);
      var number = kind === "month" ? __months.indexOf(String(value).toUpperCase()) : Number(value);
      return sum + kinds[kind][0] * number;
    }, 0);
  };
  var nowFor = function (some) {
    return some.reduce(function (sum, value) {
      var kind = kinds[kindOf(value)];
      return sum + kind[0] * kind[1];
    }, 0);
  };
  if (values.length === 1) return nowFor(values) === worth(values);
  if ([2, 4, 6].indexOf(values.length) < 0) return false;
  var first = values.slice(0, half), last = values.slice(half);
  return __between(worth(first), nowFor(first), worth(last));
}

function timeRange() {
  var when = __when(arguments), values = when.values.map(Number), half = values.length / 2;
  var hour = when.get("Hours"), now = (hour * 60 + when.get("Minutes")) * 60 + when.get("Seconds");
  if (values.length === 1) return hour === values[0];
  if (values.length === 2) return __between(values[0], hour, values[1]);
  if (values.length !== 4 && values.length !== 6) return false;
  var seconds = function (some, rest) {
    return (some[0] * 60 + some[1]) * 60 + (some.length > 2 ? some[2] : rest);
  };
  return __between(seconds(values.slice(0, half), 0), now, seconds(values.slice(half), 59));
}
"""
