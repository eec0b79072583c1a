//! A failure that repeats is logged once.

/// The failure of a loop that was logged last.
#[derive(Default)]
pub(crate) struct Repeated(Option<String>);

impl Repeated {
    /// Whether this failure is to be logged: it is not the one of the round before.
    pub(crate) fn is_news(&mut self, failure: &str) -> bool {
        let is_news = self.0.as_deref() != Some(failure);
        if is_news {
            self.0 = Some(failure.to_owned());
        }
        is_news
    }

    /// A round went well: the same failure is news again.
    pub(crate) fn over(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_failure_is_logged_once_until_it_is_over() {
        let mut trouble = Repeated::default();
        assert!(trouble.is_news("the disk is full"));
        assert!(!trouble.is_news("the disk is full"));
        assert!(trouble.is_news("the file is gone"));
        trouble.over();
        assert!(trouble.is_news("the file is gone"));
    }
}
