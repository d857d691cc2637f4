import { Random } from './random';

/** The demo shop: what it sells and what pages it has. Made once, from words; the same in every run. */
export interface Product {
  itemId: string;
  name: string;
  brand: string;
  category: string;
  /** US dollars. */
  price: number;
  path: string;
}

export const site = 'https://www.tidepine.example';

const kinds: readonly (readonly [category: string, names: readonly string[], from: number, to: number])[] = [
  [
    'tents',
    ['Ridge Tent', 'Dome Tent', 'Tunnel Tent', 'Bivy', 'Tarp', 'Family Tent', 'Trekking Tent', 'Sun Shelter', 'Footprint', 'Guy Line Set'],
    19,
    649,
  ],
  [
    'sleeping',
    ['Down Bag', 'Summer Quilt', 'Foam Mat', 'Air Mat', 'Pillow', 'Liner', 'Hammock', 'Underquilt', 'Camp Blanket', 'Compression Sack'],
    15,
    389,
  ],
  [
    'cooking',
    ['Gas Stove', 'Spirit Burner', 'Pot Set', 'Steel Mug', 'Spork', 'Kettle', 'Water Filter', 'Cool Bag', 'Fire Steel', 'Camp Table'],
    6,
    149,
  ],
  [
    'backpacks',
    ['Day Pack', 'Trekking Pack', 'Rolltop', 'Hip Bag', 'Rain Cover', 'Dry Bag', 'Child Carrier', 'Bike Bag', 'Duffel', 'Hydration Vest'],
    12,
    299,
  ],
  [
    'clothing',
    ['Rain Jacket', 'Fleece', 'Merino Shirt', 'Down Vest', 'Hiking Trousers', 'Wool Socks', 'Beanie', 'Gloves', 'Base Layer', 'Shorts'],
    14,
    329,
  ],
  [
    'footwear',
    ['Hiking Boot', 'Trail Shoe', 'Approach Shoe', 'Sandal', 'Winter Boot', 'Gaiters', 'Insoles', 'Camp Slipper', 'Laces', 'Wax'],
    7,
    279,
  ],
  [
    'climbing',
    ['Harness', 'Rope 60 m', 'Quickdraw Set', 'Helmet', 'Belay Device', 'Chalk Bag', 'Sling', 'Carabiner', 'Crash Pad', 'Via Ferrata Set'],
    9,
    249,
  ],
  [
    'navigation',
    ['Compass', 'Map Case', 'Head Torch', 'GPS Watch', 'Power Bank', 'Whistle', 'First Aid Kit', 'Multi Tool', 'Binoculars', 'Solar Panel'],
    5,
    419,
  ],
];
const brands = ['Tide', 'Pine', 'Norrfjell', 'Alta', 'Kestrel'];

const random = new Random(20_240_601);
export const categories: readonly string[] = kinds.map(([category]) => category);
export const products: readonly Product[] = kinds.flatMap(([category, names, from, to]) =>
  names.map((kind, i) => {
    const brand = random.pick(brands);
    const cents = Math.round(random.between(from, to)) * 100 - random.pick([1, 5, 10, 50]);
    const name = `${brand} ${kind}`;
    const itemId = `${category.slice(0, 3).toUpperCase()}-${String(i + 1).padStart(3, '0')}`;
    return { itemId, name, brand, category, price: cents / 100, path: `/products/${slug(name)}-${itemId.toLowerCase()}` };
  }),
);

const subjects = [
  'packing light',
  'winter nights',
  'first tent',
  'knots',
  'water',
  'wool',
  'navigation',
  'family trips',
  'alpine starts',
  'repair',
];
const forms = ['A guide to', 'Seven mistakes with', 'Our field notes on', 'How we test', 'The small book of'];
/** Fifty articles. */
export const articles: readonly { path: string; title: string }[] = forms.flatMap((form) =>
  subjects.map((subject) => ({ path: `/journal/${slug(`${form} ${subject}`)}`, title: `${form} ${subject}` })),
);
export const fixedPages: Readonly<
  Record<'home' | 'search' | 'cart' | 'checkout' | 'payment' | 'thanks' | 'account' | 'shipping' | 'returns' | 'about', string>
> = {
  home: '/',
  search: '/search',
  cart: '/cart',
  checkout: '/checkout',
  payment: '/checkout/payment',
  thanks: '/checkout/thanks',
  account: '/account',
  shipping: '/help/shipping',
  returns: '/help/returns',
  about: '/about',
};
export const searches: readonly string[] = [
  'tent',
  'sleeping bag',
  'boots',
  'stove',
  'rain jacket',
  'head torch',
  'rope',
  'socks',
  'backpack 40l',
  'gift',
];

function slug(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}
