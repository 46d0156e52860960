//! A map as a sorted vector: for what is small, and read more than it is changed.
//!
//! Each kind of a `BTreeMap` adds some ten kilobytes to the module, which browsers fetch; one of
//! these adds a few hundred bytes. To insert or to remove is to move what follows.

use std::borrow::Borrow;

/// A map whose entries are in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortedMap<K, V>(Vec<(K, V)>);

/// A set in the order of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortedSet<K>(SortedMap<K, ()>);

impl<K: Ord, V> SortedMap<K, V> {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of `key`.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(&self.0[at].1)
    }

    /// The value of `key`, to change it.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(&mut self.0[at].1)
    }

    /// Whether `key` has a value.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Gives `key` a value, and returns the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// The value of `key`, which is made if it has none.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let at = self.find(&key).unwrap_or_else(|at| {
            self.0.insert(at, (key, make()));
            at
        });
        &mut self.0[at].1
    }

    /// Takes `key` out, and returns its value.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Takes out what `keep` says no to.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// Where `key` is, or where it would have to be.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0
            .binary_search_by(|(other, _)| other.borrow().cmp(key))
    }
}

impl<K: Ord> SortedSet<K> {
    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The first member.
    pub fn first(&self) -> Option<&K> {
        self.iter().next()
    }

    /// The last member.
    pub fn last(&self) -> Option<&K> {
        self.iter().next_back()
    }

    /// Takes the last member out.
    pub fn pop_last(&mut self) -> Option<K> {
        self.0.0.pop().map(|(member, ())| member)
    }

    /// Takes the first member out.
    pub fn pop_first(&mut self) -> Option<K> {
        let first = (!self.is_empty()).then(|| self.0.0.remove(0));
        first.map(|(member, ())| member)
    }

    /// Adds a member, and says whether it was none before.
    pub fn insert(&mut self, member: K) -> bool {
        self.0.insert(member, ()).is_none()
    }

    /// Whether it is a member.
    pub fn contains(&self, member: &K) -> bool {
        self.0.contains_key(member)
    }

    /// Takes a member out, and says whether it was one.
    pub fn remove(&mut self, member: &K) -> bool {
        self.0.remove(member).is_some()
    }

    /// The members, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.keys()
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K> Default for SortedSet<K> {
    fn default() -> Self {
        Self(SortedMap::default())
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    /// Of two entries of one key the later counts.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<K: Ord> FromIterator<K> for SortedSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(members: I) -> Self {
        Self(members.into_iter().map(|member| (member, ())).collect())
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_in_the_order_of_their_keys_and_the_later_of_two_counts() {
        let mut map: SortedMap<_, _> = [(3, 'c'), (1, 'a'), (2, 'x'), (2, 'b')]
            .into_iter()
            .collect();
        assert!(map.iter().eq([(&1, &'a'), (&2, &'b'), (&3, &'c')]));
        assert_eq!(map.insert(3, 'd'), Some('c'));
        assert_eq!(map.insert(0, 'e'), None);
        assert!(map.values().eq(&['e', 'a', 'b', 'd']));
    }

    #[test]
    fn a_set_has_each_member_once() {
        let mut set: SortedSet<_> = [2, 3, 1, 2].into_iter().collect();
        assert!(set.iter().eq(&[1, 2, 3]) && set.len() == 3);
        assert_eq!((set.insert(2), set.insert(0)), (false, true));
        assert_eq!((set.contains(&1), set.contains(&7)), (true, false));
        assert_eq!((set.remove(&1), set.remove(&1)), (true, false));
        assert_eq!(set.first(), Some(&0));
        assert_eq!(set.pop_first(), Some(0));
        assert_eq!(set.last(), Some(&3));
        assert_eq!(set.pop_last(), Some(3));
        assert!(set.insert(3));
        assert!(set.iter().eq(&[2, 3]) && !set.is_empty());
        assert_eq!(SortedSet::<u8>::default().pop_first(), None);
    }

    #[test]
    fn a_key_is_found_and_another_is_not() {
        let mut map: SortedMap<String, _> = [("b".to_owned(), 1)].into_iter().collect();
        assert_eq!((map.get("b"), map.get("a")), (Some(&1), None));
        assert!(map.contains_key("b") && !map.contains_key("c"));
        *map.get_or_insert_with("b".to_owned(), || 7) += 1;
        map.get_or_insert_with("a".to_owned(), || 7);
        assert!(map.values().eq(&[7, 2]));
        assert_eq!((map.remove("b"), map.remove("b")), (Some(2), None));
        map.retain(|_, value| *value != 7);
        assert!(map.is_empty());
    }
}
