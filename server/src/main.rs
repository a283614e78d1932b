fn main() {
    print!("{}", bp_auth_server::api::document::emit().unwrap());
}
