//! Makes a sequence that goes wrong short.
//!
//! `proptest` would take the actions away one by one, and every try is a conversation with a server.
//! Taking away halves, then quarters, and so on, comes to the same end in far fewer tries.

use super::action::{Action, Code, Credential, Device, Method, Which};

/// The shortest and plainest sequence that was found to go wrong too, and how many were tried. `wrong`
/// says how many actions it took to go wrong, if it did.
pub fn shrink(
    mut actions: Vec<Action>,
    mut wrong: impl FnMut(&[Action]) -> Option<usize>,
    mut patient: impl FnMut() -> bool,
) -> (Vec<Action>, usize) {
    let mut tries = 0;
    let mut attempt = |candidate: Vec<Action>, actions: &mut Vec<Action>| {
        tries += 1;
        let steps = wrong(&candidate);
        if let Some(steps) = steps {
            *actions = candidate;
            actions.truncate(steps);
        }
        steps.is_some()
    };
    let mut size = actions.len().div_ceil(2);
    while size > 0 {
        let before = actions.len();
        // From the end: what comes later depends on what came before.
        let mut end = actions.len();
        while end > 0 && patient() {
            let begin = end.saturating_sub(size);
            let mut candidate = actions.clone();
            candidate.drain(begin..end);
            attempt(candidate, &mut actions);
            end = begin.min(actions.len());
        }
        size = match size {
            // What could not be spared before can be, perhaps, without what was after it.
            1 if actions.len() < before && patient() => 1,
            1 => 0,
            more => more.div_ceil(2),
        };
    }
    let mut index = 0;
    while index < actions.len() {
        let plainer = plainer(actions[index]).into_iter().find(|plainer| {
            let mut candidate = actions.clone();
            candidate[index] = *plainer;
            patient() && attempt(candidate, &mut actions)
        });
        // Plainer still, perhaps.
        if plainer.is_none() {
            index += 1;
        }
    }
    (actions, tries)
}

/// The same action with one choice made plainer, in every way there is.
fn plainer(action: Action) -> Vec<Action> {
    let mut all = Vec::new();
    let mut try_one = |change: &dyn Fn(&mut Choices<'_>)| {
        let mut changed = action;
        change(&mut choices(&mut changed));
        if changed != action {
            all.push(changed);
        }
    };
    try_one(&|of| of.who.iter_mut().for_each(|who| **who = 0));
    try_one(&|of| of.which.iter_mut().for_each(|which| **which = Which::Good));
    try_one(&|of| of.flags.iter_mut().for_each(|flag| **flag = false));
    try_one(&|of| {
        of.device
            .iter_mut()
            .for_each(|device| **device = Device::None)
    });
    try_one(&|of| {
        of.method
            .iter_mut()
            .for_each(|method| **method = Method::Implied)
    });
    try_one(&|of| of.number.iter_mut().for_each(|number| **number = 0));
    all
}

/// What can be made plainer without making another action of it.
#[derive(Default)]
struct Choices<'a> {
    who: Option<&'a mut usize>,
    which: Vec<&'a mut Which>,
    flags: Vec<&'a mut bool>,
    device: Option<&'a mut Device>,
    method: Option<&'a mut Method>,
    number: Option<&'a mut u8>,
}

fn choices(action: &mut Action) -> Choices<'_> {
    let mut of = Choices::default();
    match action {
        Action::Register | Action::Wait(_) => {}
        Action::RegisterAgain(who) | Action::Operator(who, _) | Action::ReactivateRequest(who) => {
            of.who = Some(who)
        }
        Action::Login { who, device, .. } => {
            of.who = Some(who);
            of.device = Some(device);
        }
        Action::Challenge {
            who,
            token,
            code,
            method,
            remember,
        } => {
            of.who = Some(who);
            of.which.push(token);
            of.method = Some(method);
            of.flags.push(remember);
            if let Code::Backup(slot) | Code::OldBackup(slot) = code {
                of.number = Some(slot);
            }
        }
        Action::Me(who, credential) | Action::ResetRequest(who, credential) => {
            of.who = Some(who);
            match credential {
                Credential::Access(which)
                | Credential::MfaToken(which)
                | Credential::Refresh(which)
                | Credential::ResetToken(which) => of.which.push(which),
                Credential::Nonsense => {}
            }
        }
        Action::Methods(who, which)
        | Action::TotpSetup(who, which)
        | Action::TotpVerify {
            who, access: which, ..
        }
        | Action::Delete {
            who, access: which, ..
        }
        | Action::Regenerate(who, which)
        | Action::ResetConfirm(who, which)
        | Action::Devices(who, which)
        | Action::ReactivateConfirm(who, which) => {
            of.who = Some(who);
            of.which.push(which);
        }
        Action::Refresh { who, session, back } => {
            of.who = Some(who);
            of.which.push(session);
            of.number = Some(back);
        }
        Action::Logout {
            who,
            access,
            refresh,
            all,
        } => {
            of.who = Some(who);
            of.which.extend(access);
            of.which.extend(refresh);
            of.flags.push(all);
        }
        Action::RevokeDevice {
            who,
            access,
            device,
            foreign,
        } => {
            of.who = Some(who);
            of.which.extend([access, device]);
            of.flags.push(foreign);
        }
    }
    of
}
