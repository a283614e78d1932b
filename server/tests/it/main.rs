//! The server's tests: one binary, one module for each topic. They start real servers in this
//! process, on a free port with a database of their own, and drive them through the generated
//! client, or through raw HTTP where the client cannot say it. Time is a clock that they hold.

mod support;

mod api_key;
mod audit;
mod backup_codes;
mod bad_input;
mod bad_parameters;
mod challenge;
mod challenge_lock;
mod challenge_sms;
mod config;
mod cors;
mod credentials;
mod csrf;
mod disk;
mod document;
mod drain;
mod entitlements;
mod gateway;
mod journey;
mod keys;
mod layers;
mod limits;
mod login;
mod logout;
mod logs;
mod mails;
mod methods;
mod mfa_reset;
mod operator;
mod order;
mod outage;
mod outbox;
mod postgres;
mod races;
mod reactivate;
mod reference_pages;
mod refresh;
mod refresh_leeway;
mod register;
mod secrets;
mod sessions;
mod sms;
mod sms_limits;
mod states;
mod step_up;
mod tokens;
mod totp;
mod trusted_devices;
mod trusted_devices_delay;
mod trusted_devices_end;
mod verify_phone;
mod wire;
