//! Setting up the data connection.

use super::*;

const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

#[test]
fn the_client_is_connected_to_itself_only() {
    let mut talk = Talk::writer();
    table(
        &mut talk,
        &[
            ("PORT 192,0,2,9,135,7", "504"),
            ("PORT 127,0,0,1,3,255", "504"),
            ("PORT 127,0,0,1,0,21", "504"),
            ("EPRT |1|192.0.2.9|34567|", "504"),
            ("EPRT |1|127.0.0.1|80|", "504"),
            ("EPRT |2|::1|34567|", "522"),
            ("EPRT |3|127.0.0.1|34567|", "522"),
            ("EPRT |1|127.0.0.1|52306", "501"),
            ("PORT 1,2,3", "501"),
            ("EPSV 2", "522"),
            ("EPSV 9", "522"),
        ],
    );
    assert_eq!(talk.effects(), [], "somebody is connected to");
}

#[test]
fn an_unusable_protocol_is_answered_with_the_usable_one() {
    let mut talk = Talk::writer();
    talk.session.receive(b"EPRT |2|::1|34567|\r\n", talk.now);
    assert!(talk.heard_text().contains("(1)"));
    let mut talk = Talk::with(V6, |_| {}).logged_in(Access::WRITE);
    talk.session.receive(b"EPSV 1\r\n", talk.now);
    assert!(talk.heard_text().contains("(2)"));
    assert_eq!(talk.say("PASV"), "425");
}

#[test]
fn port_tells_what_came_of_the_connection() {
    let own = (DataEvent::OwnListener, "504");
    for (event, code) in [(DataEvent::Connected, "200"), own, (broken(), "425")] {
        let mut talk = Talk::writer();
        assert_eq!(talk.say("PORT 127,0,0,1,135,7"), "");
        assert_eq!(talk.say("NOOP"), "", "nothing is said before the connection is settled");
        assert_eq!(talk.data(event), format!("{code} 200"));
    }
}

#[test]
fn a_second_set_up_replaces_the_first() {
    let mut talk = Talk::writer().passive();
    assert_eq!(talk.say("PORT 127,0,0,1,135,7"), "");
    assert!(matches!(talk.effects()[..], [Effect::Abort, Effect::Connect(_)]));
    assert_eq!(talk.data(DataEvent::Connected), "200");
    assert_eq!(talk.say("EPSV"), "");
    assert_eq!(talk.effects(), [Effect::Abort, Effect::Listen]);
    assert_eq!(talk.listens_on(Some(2001)), "229");
}

#[test]
fn epsv_all_is_a_promise() {
    let mut talk = Talk::writer();
    let rows = [("EPSV ALL", "200"), ("PORT 127,0,0,1,135,7", "501"), ("PASV", "501")];
    table(&mut talk, &rows);
    table(
        &mut talk,
        &[
            ("EPRT |1|127.0.0.1|34567|", "501"),
            ("EPRT |2|::1|34567|", "501"),
            ("EPRT |3|127.0.0.1|34567|", "501"),
            ("EPSV 9", "522"),
        ],
    );
    assert_eq!(talk.effects(), []);
    assert_eq!(talk.say("EPSV"), "");
    assert_eq!(talk.listens_on(Some(2000)), "229");
}

#[test]
fn pasv_announces_the_address_that_reaches_us() {
    for (announced, expected) in [(None, "127,0,0,1"), (Some([192, 0, 2, 1]), "192,0,2,1")] {
        let mut talk =
            Talk::with(CLIENT, |settings| settings.passive_address = announced.map(Into::into))
                .logged_in(Access::READ);
        talk.say("PASV");
        let address = SocketAddr::new(CLIENT, 2000);
        talk.session.answer(Answer::Listening(Some(address)), talk.now);
        assert!(talk.heard_text().contains(&format!("({expected},7,208)")));
    }
}

#[test]
fn without_a_passive_port_there_is_no_transfer() {
    let mut talk = Talk::writer();
    talk.say("PASV");
    assert_eq!(talk.listens_on(None), "425");
    assert_eq!(talk.say("RETR f"), "425");
}
