//! Short forms of the simulator's fault rules.

use aurareels_simulator::{Action, Hold, Matcher, Rule, RuleId, When};
use serde_json::Value;

use crate::World;

/// One operation, as the simulator's journal names it.
pub fn on(operation: &str) -> Matcher {
    Matcher { operation: Some(operation.to_owned()), ..Matcher::default() }
}

/// The connection is cut before or after the request acted.
pub fn cut(when: When) -> Action {
    Action::Cut { when, after_bytes: 0 }
}

/// An answer, after acting or without.
pub fn answer(status: u16, body: Value, act: bool) -> Action {
    Action::Answer { status, headers: Default::default(), body: Some(body), act }
}

impl World {
    /// A fault that strikes the next such request.
    pub fn fault(&self, operation: &str, action: Action) -> RuleId {
        self.sim.add_fault(Rule::once(on(operation), action))
    }

    /// A fault that strikes every such request until it is removed.
    pub fn lasting_fault(&self, operation: &str, action: Action) -> RuleId {
        self.sim.add_fault(Rule { times: 0, ..Rule::once(on(operation), action) })
    }

    /// Holds the next such request.
    pub fn hold(&self, operation: &str, hold: Hold) -> RuleId {
        self.sim.add_fault(Rule::hold_once(on(operation), hold))
    }

    /// How often an operation was asked for.
    pub fn asked(&self, operation: &str) -> usize {
        let filter = aurareels_simulator::Filter { operation: Some(operation.to_owned()), ..Default::default() };
        self.sim.requests(&filter).len()
    }

    /// How often an operation acted with success.
    pub fn succeeded(&self, operation: &str) -> usize {
        self.acted(operation, true)
    }

    /// How often the platform refused an operation by its own answer.
    pub fn refused(&self, operation: &str) -> usize {
        self.acted(operation, false)
    }

    fn acted(&self, operation: &str, succeeded: bool) -> usize {
        let filter = aurareels_simulator::Filter {
            operation: Some(operation.to_owned()),
            acted: Some(true),
            succeeded: Some(succeeded),
            ..Default::default()
        };
        self.sim.requests(&filter).len()
    }

    /// Waits until an operation was asked for so often, without moving the clocks.
    pub async fn until_asked(&self, operation: &str, times: usize) {
        self.wait_for(operation, async || (self.asked(operation) >= times).then_some(())).await;
    }

    /// Demands that a rule struck.
    #[track_caller]
    pub fn struck(&self, rule: RuleId) {
        assert!(self.sim.fault_fired(rule).is_some_and(|times| times > 0), "the fault never struck");
    }
}
